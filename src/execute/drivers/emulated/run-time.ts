import { NS_PER_S } from "../../../base/units.ts";
import type { Bindings } from "../../../graph/ir/expression.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import type { Emulation } from "../../../rack/emulation.ts";
import { hiddenDeviations } from "../../../rack/hidden-deviations.ts";
import type { Device } from "../../../rack/rack.ts";
import type { RunPart } from "../../device/device-driver.ts";
import { type StageRates, stageNs } from "./stage-time.ts";

export interface RunTime {
  readonly sizes: Bindings;
  readonly padded: Bindings;
  readonly reconfigured: boolean;
}

/** Rates of a device by its description alone. */
export function describedRates(device: Device, emulation: Emulation): StageRates {
  const peak = device.peaks?.find(({ type }) => type === emulation.format);
  return {
    operationsPerSecond: peak?.operationsPerSecond ?? 0,
    bytesPerSecond: emulation.memoryBytesPerSecond ?? 0,
    operatorNs: device.overheads?.operatorNs ?? 0,
    speed: () => 1,
  };
}

/** As `describedRates`, with what the device differs from its description by. Nothing a device tells is made from it but the time of its runs. */
export function trueRates(device: Device, emulation: Emulation): StageRates {
  const { deviationSeed } = emulation;
  const rates = describedRates(device, emulation);
  if (deviationSeed === undefined) return rates;
  const hidden = hiddenDeviations(deviationSeed);
  return { ...rates, speed: (operators) => hidden.speed(device.id, operators) };
}

/** What a run's time goes to, in wall time. */
export function runParts(device: Device, stage: StageModel, run: RunTime & { readonly rates: StageRates }): readonly RunPart[] {
  const emulation = device.emulation!;
  const { slowdown, residency } = emulation;
  const computeNs = stageNs(stage, run.sizes, run.rates);
  const paddedNs = run.padded === run.sizes ? computeNs : stageNs(stage, run.padded, run.rates);
  const parts: readonly RunPart[] = [
    { what: "reconfigure", ns: run.reconfigured && residency.type === "reconfigure" ? residency.reconfigureNs * slowdown : 0 },
    { what: "transfer", ns: residency.type === "stream" ? (stage.weightBytes / residency.bytesPerSecond) * NS_PER_S * slowdown : 0 },
    { what: "launch", ns: (device.overheads?.launchNs ?? 0) * slowdown },
    { what: "compute", ns: computeNs * slowdown },
    { what: "padding", ns: Math.max(0, paddedNs - computeNs) * slowdown },
  ];
  return parts.filter(({ what, ns }) => ns > 0 || what === "compute");
}

export function sumOfParts(parts: readonly RunPart[]): number {
  return parts.reduce((sum, { ns }) => sum + ns, 0);
}
