import { counterFloat, mix32 } from "../../base/prng.ts";
import { type Bytes, type Nanoseconds, NS_PER_S } from "../../base/units.ts";
import type { DataflowRack, DeviceId, LinkId, StageSpec } from "../../engine/dataflow/dataflow-types.ts";

/** How long things take in a virtual rack, whatever the engine believes. */
export interface DataflowTruth {
  runNs(run: {
    readonly stage: StageSpec;
    readonly variant: number;
    readonly device: DeviceId;
    readonly work: number;
    readonly footprint: number;
    readonly run: number;
    /** Other devices of the machine that run when it starts. */
    readonly others: number;
  }): Nanoseconds;
  transferNs(link: LinkId, bytes: Bytes): Nanoseconds;
  loadNs(stage: StageSpec, variant: number, first: boolean): Nanoseconds;
  /** From the end of a run or transfer until the engine hears of it; 0 when absent. The device is not given other work meanwhile, the link is. */
  runAnswerNs?(device: DeviceId): Nanoseconds;
  transferAnswerNs?(link: LinkId): Nanoseconds;
}

export interface DeviationOptions {
  readonly seed: number;
  /** Share by which single runs differ; 0: none. */
  readonly noise?: number;
  /** Time of a run where nothing is declared. */
  readonly unknownNs?: Nanoseconds;
}

/** Runs take 0.6 to 1.6 times their prior, by device class and operator class; links 0.5 to 2 times, their latency and bandwidth alike. */
export function deviatingTruth(rack: DataflowRack, { seed, noise = 0, unknownNs = 1_000_000 }: DeviationOptions): DataflowTruth {
  return {
    runNs: ({ stage, variant, work, run }) => {
      const { class: deviceClass, priorNs = unknownNs } = stage.variants[variant]!;
      const factor = 0.6 + counterFloat(mix32(seed + 17), stage.operator * 64 + deviceClass);
      const wobble = 1 + noise * (2 * counterFloat(mix32(seed + 29), run) - 1);
      return Math.ceil(priorNs * work * factor * wobble);
    },
    transferNs: (link, bytes) => {
      const { latencyNs, bytesPerSecond } = rack.links[link]!;
      const draw = counterFloat(mix32(seed + 41), link);
      const factor = draw < 0.5 ? 0.5 + draw : 2 * draw;
      return Math.ceil(factor * (latencyNs + (bytes * NS_PER_S) / bytesPerSecond));
    },
    loadNs: (stage, variant, first) => loadOf(stage, variant, first),
  };
}

/** Everything takes what is declared. */
export function declaredTruth(rack: DataflowRack, unknownNs: Nanoseconds = 1_000_000): DataflowTruth {
  return {
    runNs: ({ stage, variant, work }) => Math.ceil((stage.variants[variant]!.priorNs ?? unknownNs) * work),
    transferNs: (link, bytes) => Math.ceil(rack.links[link]!.latencyNs + (bytes * NS_PER_S) / rack.links[link]!.bytesPerSecond),
    loadNs: loadOf,
  };
}

function loadOf(stage: StageSpec, variant: number, first: boolean): Nanoseconds {
  const { loadNs, compileNs } = stage.variants[variant]!;
  return loadNs + (first ? compileNs : 0);
}
