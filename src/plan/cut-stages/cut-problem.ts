/** A graph to be cut into stages that are placed one by one while it runs. */
export interface CutProblem {
  readonly nodes: readonly CutNode[];
  /** What nodes hand over; a value of the caller has no producer. */
  readonly values: readonly CutValue[];
  /** Devices the times of a node are of. */
  readonly devices: number;
  /** No device has room for all of it. */
  readonly tooLarge?: boolean;
}

export interface CutNode {
  /** Time on each device; Infinity where it cannot run. Units: ns. */
  readonly times: readonly number[];
  /** A stage by itself, whatever that costs. */
  readonly alone?: boolean;
}

export interface CutValue {
  readonly producer: number | undefined;
  readonly readers: readonly number[];
  readonly bytes: number;
}

/** What a cut is weighed with. */
export interface CutPrices {
  /** What starting one more task costs. Units: ns. */
  readonly taskNs: number;
  /** Rate at which handed values are priced. */
  readonly bytesPerSecond: number;
  /** Work a stage should not exceed by more than a cut costs. Units: ns. */
  readonly stageNs: number;
  /** Part of the time that branches in one stage could save beside one another: 0 to 1. */
  readonly besideShare: number;
  /** Nodes behind which it may be cut without need; absent: anywhere. */
  readonly cutAfter?: ReadonlySet<number>;
}

/** Nodes of one stage, in an order they can run in. */
export type CutStage = readonly number[];

/** Readers' lists of a problem: what each node waits for, and who waits for it. A pair is listed once. */
export function neighboursOf({ nodes, values }: CutProblem): { readonly before: number[][]; readonly after: number[][] } {
  const before = nodes.map((): Set<number> => new Set());
  const after = nodes.map((): Set<number> => new Set());
  for (const { producer, readers } of values) {
    if (producer === undefined) continue;
    for (const reader of readers) {
      before[reader]!.add(producer);
      after[producer]!.add(reader);
    }
  }
  return { before: before.map((one) => [...one]), after: after.map((one) => [...one]) };
}
