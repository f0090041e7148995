import { must } from "../base/assert.ts";
import { stageWeightBytes } from "../cost/decoder-shape.ts";
import type { CostedStage } from "../cost/stage-pricer.ts";
import type { PricedStepCost } from "../cost/step-cost-from.ts";
import type { Device } from "../rack/rack.ts";
import type { DraftContext } from "./draft-context.ts";
import { heldInEightBits } from "./kernel-stages.ts";
import { predictReplica, type ReplicaPrediction } from "./predict.ts";
import { costOfStages, type FormatPair, stageOn } from "./stage-prices.ts";

/** A replica under consideration. */
export interface ReplicaDraft {
  readonly devices: readonly Device[];
  readonly stages: readonly CostedStage[];
  readonly cost: PricedStepCost;
  readonly prediction: ReplicaPrediction;
  /** Bytes of weights in each memory. */
  readonly weightBytes: ReadonlyMap<string, number>;
}

/** A stage that a split names: layers on a device, in formats. */
export interface DraftStage {
  readonly device: Device;
  readonly formats: FormatPair;
  readonly toLayer: number;
}

/** A replica of stages in order, priced whole; `undefined` where nothing is known of one of them. */
export function replicaDraft(context: DraftContext, parts: readonly DraftStage[]): ReplicaDraft | undefined {
  const weightBytes = new Map<string, number>();
  const stages = parts.map(({ device, formats, toLayer }, index) => {
    const range = { fromLayer: index === 0 ? 0 : must(parts[index - 1], "the stage before").toLayer, toLayer };
    const { spec, eightBit } = context.request.model;
    const held = heldInEightBits({ driver: device.driver, ...formats }, eightBit);
    const bytes = stageWeightBytes(spec, { ...formats, ...range }, held);
    weightBytes.set(device.memory, (weightBytes.get(device.memory) ?? 0) + bytes);
    return { ...stageOn(device, formats), ...range };
  });
  const cost = costOfStages(context, stages);
  if (cost === undefined) return undefined;
  const devices = parts.map(({ device }) => device);
  return { devices, stages, cost, prediction: predictReplica(cost, devices), weightBytes };
}
