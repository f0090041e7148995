import { err, ok } from "../../src/base/result.ts";
import type { IterationCost } from "../../src/cost/iteration/iteration-cost.ts";
import { devicesOf } from "../../src/plan/slo/fleet-plan.ts";
import type { DesignPricer, SloProblem } from "../../src/plan/slo/slo-problem.ts";
import type { WorkloadProfile } from "../../src/plan/slo/workload-profile.ts";

/** A device of straight lines. Units: ns for one device; tokens of KV that fit it. */
export interface LinearDevice {
  readonly stepNs: number;
  readonly promptTokenNs: number;
  readonly decodeNs: number;
  readonly contextNs: number;
  readonly kvTokens: number;
}

/** About an 8B model on a data-centre device. */
export const FAST_DEVICE: LinearDevice = { stepNs: 8_000_000, promptTokenNs: 60_000, decodeNs: 60_000, contextNs: 40, kvTokens: 200_000 };
/** Half as fast, with less memory. */
export const SLOW_DEVICE: LinearDevice = { stepNs: 16_000_000, promptTokenNs: 130_000, decodeNs: 120_000, contextNs: 90, kvTokens: 80_000 };

/** Iterations of straight lines: `devices` share all but a part of the step. */
export function linearIterations(device: LinearDevice, devices: number): IterationCost {
  const share = 1 / devices;
  return {
    iterationNs: ({ prefillTokens, prefills, decodes, decodeContext }) =>
      prefills + decodes === 0
        ? 0
        : Math.round(
            device.stepNs * (0.1 + 0.9 * share) +
              share * (device.promptTokenNs * prefillTokens + device.decodeNs * decodes + device.contextNs * decodeContext),
          ),
    spread: 0.1,
    basis: "measured",
    source: "straight lines",
  };
}

/** Prices designs of such devices; replicas of three devices cannot be built, and unknown devices have no basis. */
export function linearPricer(devices: Readonly<Record<string, LinearDevice>>): DesignPricer {
  return (design, factors) => {
    const device = devices[design.device];
    const count = devicesOf(design.parallel);
    if (device === undefined) return err({ code: "no-basis", detail: `no figures of ${design.device}` });
    if (count === 3) return err({ code: "cut-invalid", detail: "3 does not divide the heads" });
    const { compute = 1, memoryBandwidth = 1, memoryCapacity = 1 } = factors;
    const changed: LinearDevice = {
      stepNs: device.stepNs / memoryBandwidth,
      promptTokenNs: device.promptTokenNs / compute,
      decodeNs: device.decodeNs / compute,
      contextNs: device.contextNs / memoryBandwidth,
      kvTokens: device.kvTokens * memoryCapacity,
    };
    return ok({
      cost: linearIterations(changed, count),
      devices: count,
      kvTokens: Math.floor(changed.kvTokens * count),
      kvBytesPerToken: 131_072,
    });
  };
}

/** A workload whose lengths are all alike. */
export function evenWorkload(rate: number, prompt = 1000, output = 200): WorkloadProfile {
  const length = (value: number): WorkloadProfile["prompt"] => ({
    mean: value,
    meanSquare: value * value,
    most: value,
    quantile: () => value,
  });
  return {
    requests: rate * 1000,
    seconds: 1000,
    meanRate: rate,
    peakRate: rate,
    prompt: length(prompt),
    output: length(output),
    longest: prompt + output,
    prefixShare: 0,
  };
}

/** A problem with one offer of each device; tests lay over it what they are about. */
export function linearProblem(changes: Partial<SloProblem> = {}): SloProblem {
  return {
    model: "lines",
    target: { ttftNs: 1e9, tpotNs: 4e7, percentile: 0.9 },
    workload: evenWorkload(20),
    fleets: [
      { name: "fast", devices: [{ device: "fast", count: 32, dollarsPerHour: 3 }] },
      { name: "slow", devices: [{ device: "slow", count: 64, dollarsPerHour: 1 }] },
    ],
    choices: {
      precisions: [{ weights: "bf16", kv: "bf16" }],
      tensor: [1, 2, 3, 4],
      pipeline: [1],
      data: [1],
      experts: false,
      maxBatchedTokens: [2048],
      devicesMax: 4,
      split: false,
      engine: {
        name: "vllm",
        maxBatchedTokens: 2048,
        maxSequences: 256,
        blockTokens: 16,
        memoryFraction: 0.9,
        prefixCaching: false,
        chunkedPrefill: true,
        overheadNs: 0,
      },
    },
    price: linearPricer({ fast: FAST_DEVICE, slow: SLOW_DEVICE }),
    factors: {},
    routing: "least-loaded",
    ...changes,
  };
}
