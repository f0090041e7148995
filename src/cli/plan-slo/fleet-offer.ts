import { HeddleError } from "../../base/heddle-error.ts";
import type { FleetOffer } from "../../plan/slo/slo-problem.ts";
import { neededFigure } from "../../rack/catalog/needed-figure.ts";
import { sheetOf } from "../rack-catalog.ts";

const COUNT_MAX = 1e6;

/** An offer such as `h200-sxm:32@3.5+h100-sxm:64`. Errors: `usage`; `device-unknown`; `figure-missing` where neither it nor the sheet has a price. */
export function fleetOffer(text: string): FleetOffer {
  const devices = text.split("+").map((part) => {
    const match = /^([^:@+]+):(\d+)(?:@(\d+(?:\.\d+)?))?$/.exec(part.trim());
    const count = Number(match?.[2] ?? 0);
    if (match === null || count < 1 || count > COUNT_MAX) {
      throw new HeddleError("usage", { where: `--fleet ${text}`, detail: "device:count or device:count@dollars is meant, joined by +" });
    }
    const sheet = sheetOf(match[1]!);
    const price =
      match[3] === undefined
        ? neededFigure(sheet, `dollarsPerHour; ${part}@<dollars an hour> says it for this plan`, sheet.dollarsPerHour).value
        : Number(match[3]);
    return { device: match[1]!, count, dollarsPerHour: price };
  });
  if (new Set(devices.map(({ device }) => device)).size < devices.length) {
    throw new HeddleError("usage", { where: `--fleet ${text}`, detail: "a device is there twice" });
  }
  return { name: text, devices };
}
