/** A benchmark the runner loads from `<name>.bench.ts`, exported as `bench`. */
export interface Bench {
  readonly name: string;
  run(options: BenchOptions): Promise<BenchReport>;
}

export interface BenchOptions {
  /** Says what is being measured; goes to stderr. */
  readonly note: (text: string) => void;
  /** What follows `--` on the command line. */
  readonly rest: readonly string[];
}

export interface BenchReport {
  /** What was measured with what: one line each. */
  readonly setup: readonly string[];
  readonly figures: readonly Figure[];
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Bounds `--check` holds the value to. */
  readonly floor?: { readonly min?: number; readonly max?: number };
}

/** Whether a figure keeps its bounds; `undefined` where it has none. */
export function keepsFloor({ value, floor }: Figure): boolean | undefined {
  if (floor === undefined) return undefined;
  return value >= (floor.min ?? Number.NEGATIVE_INFINITY) && value <= (floor.max ?? Number.POSITIVE_INFINITY);
}
