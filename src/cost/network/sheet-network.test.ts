// Goal: how many devices a machine has is known or asked for, never assumed. Method: every device of the catalogue, whole and without the figure.
import { describe, expect, it } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { DEVICE_SHEETS, deviceSheet } from "../../rack/catalog/catalog.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { type Cut, ONE_DEVICE } from "../iteration/cut.ts";
import { iterationCostOf } from "../iteration/iteration-cost-of.ts";
import { physicsModel } from "../operator/physics/physics-model.ts";
import { collectiveModel } from "./collectives/collective-model.ts";
import { sheetNetwork } from "./sheet-network.ts";

const without = ({ perNode: _left, ...sheet }: DeviceSheet): DeviceSheet => sheet;
/** Cards that are sold for machines of any size, and devices that run no layers. */
const UNKNOWN = ["rtx-4090", "a30", "a10", "a40", "rtx-5090", "bluefield-3", "ipu-e2100"];

function fault(sheet: DeviceSheet): string {
  try {
    sheetNetwork(sheet, "nccl");
    return "none";
  } catch (thrown) {
    if (thrown instanceof HeddleError) return `${thrown.code} ${thrown.where} ${thrown.detail}`;
    throw thrown;
  }
}

describe("devices of a machine", () => {
  it("are the sheet's, of every device that has links", () => {
    for (const sheet of DEVICE_SHEETS.filter(({ id }) => !UNKNOWN.includes(id))) {
      expect(sheet.perNode?.value, sheet.id).toBeGreaterThanOrEqual(1);
      if (sheet.scaleUp !== undefined || sheet.host !== undefined)
        expect(sheetNetwork(sheet, "nccl")?.scaleUp.devices, sheet.id).toBe(sheet.perNode?.value);
    }
  });

  it("are an error that names the figure where the sheet has none", () => {
    for (const id of UNKNOWN) expect(fault(deviceSheet(id))).toMatch(new RegExp(`^figure-missing ${id} .*perNode`));
    for (const sheet of DEVICE_SHEETS.filter(({ scaleUp, host }) => scaleUp !== undefined || host !== undefined))
      expect(fault(without(sheet)), sheet.id).toMatch(/^figure-missing .*perNode/);
  });

  it("are needed where a replica has more than one, and only there", () => {
    const sheet = deviceSheet("rtx-4090");
    const priced = (cut: Partial<Cut>, own: DeviceSheet = sheet) =>
      iterationCostOf({
        architecture: knownArchitecture("Llama-3.1-8B")!,
        sheet: own,
        parallel: { ...ONE_DEVICE, ...cut },
        precision: { weights: "bf16", kv: "bf16" },
        operators: physicsModel(own),
        ...(own.perNode === undefined ? {} : { network: collectiveModel(sheetNetwork(own, "nccl")!) }),
      });
    expect(priced({}).ok).toBe(true);
    expect(priced({ tensor: 2 })).toMatchObject({ ok: false, error: { code: "no-basis", missing: expect.stringContaining("perNode") } });
    const own = { ...sheet, perNode: { value: 4, basis: "data-sheet" as const, source: "our racks" } };
    expect(priced({ tensor: 2 }, own).ok).toBe(true);
  });
});
