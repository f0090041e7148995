import { toHeddleError } from "../../../base/heddle-error.ts";
import type { Estimate } from "../../../cost/estimate.ts";
import { type Bindings, symbolsOf } from "../../../graph/ir/expression.ts";
import type { Graph, OperatorId } from "../../../graph/ir/graph.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import type { Device } from "../../../rack/rack.ts";
import type { NoBasis, Support } from "../../device/device-driver.ts";
import { paddedSizes } from "./run-sizes.ts";
import { describedRates, runParts, sumOfParts } from "./run-time.ts";

/** How far a data sheet's figures may be from what a device does, either way: assumed. */
const DATA_SHEET_FACTOR = 2;

/** Time of a run by the device's description, in wall time, where the stage is configured already; nothing of its hidden deviations. */
export function emulatedEstimate(
  device: Device,
  stage: StageModel,
  { sizes, supports }: { readonly sizes: Bindings; readonly supports: (graph: Graph, operator: OperatorId) => Support },
): Estimate | NoBasis {
  const emulation = device.emulation!;
  for (const id of stage.operators) {
    const support = supports(stage.graph, id);
    if (!support.ok) return { noBasis: `${stage.graph.operators[id]!.type} is not supported: ${support.reason}` };
  }
  const wanted = stage.inputs.flatMap(({ shape = [] }) => shape.flatMap(symbolsOf));
  const missing = wanted.find((symbol) => sizes[symbol] === undefined);
  if (missing !== undefined) return { noBasis: `no size is given for ${missing}` };
  try {
    const own = Object.fromEntries([...new Set(wanted)].map((symbol) => [symbol, sizes[symbol]!]));
    const padded = paddedSizes(stage, own, emulation.shapes);
    const rates = describedRates(device, emulation);
    const valueNs = sumOfParts(runParts(device, stage, { sizes: own, padded, reconfigured: false, rates }));
    const source = `emulated: roofline of the figures of ${device.id}, ${emulation.slowdown} times slower`;
    return { valueNs, lowNs: valueNs / DATA_SHEET_FACTOR, highNs: valueNs * DATA_SHEET_FACTOR, basis: "data-sheet", source };
  } catch (thrown) {
    return { noBasis: toHeddleError(thrown).detail ?? toHeddleError(thrown).message };
  }
}
