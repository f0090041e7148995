import { assert } from "../../base/assert.ts";

/**
 * A chain of layers to be cut into stages that follow one another. A stage's price is any function of its range, not a sum over its layers: measured
 * stages, fixed costs of a run and weights that both ends hold are priced as they are.
 */
export interface ChainProblem {
  readonly layers: number;
  readonly classes: readonly ChainClass[];
  /** Bytes free in each memory that several devices share. */
  readonly freeBytes: readonly number[];
  /** What a stage costs; Infinity where it cannot run there. Any unit. */
  readonly costOf: (piece: ChainPiece) => number;
  readonly bytesOf: (piece: ChainPiece) => number;
  /** Cost of handing over from a device of one class to one of another; Infinity where no link joins them. */
  readonly handOver: (from: number, to: number) => number;
  /** `sum`: what passes through all stages one after another waits for. `largest`: the time between two samples of a pipeline. */
  readonly objective: "sum" | "largest";
  readonly stages: { readonly least: number; readonly most: number };
  /** A device may take several stages that follow one another. */
  readonly repeat?: boolean;
  /** Class that a stage must lie on, whether or not one of its devices is left. */
  readonly pinned?: (stage: number) => number | undefined;
}

/** Devices that are alike. */
export interface ChainClass {
  readonly count: number;
  /** Bytes that each of them has for itself, or the place in `freeBytes` of the memory they share with each other or with other classes. */
  readonly memory: { readonly own: number } | { readonly shared: number };
  /** Ways to run a stage there (formats); a piece names one. */
  readonly variants: number;
}

/** Layers `from` to `to - 1` on a device of a class. */
export interface ChainPiece {
  readonly class: number;
  readonly variant: number;
  readonly from: number;
  readonly to: number;
}

export interface ChainSplits {
  /** The best split for every combination of devices that can hold the chain, best first. */
  readonly splits: readonly ChainSplit[];
  /** Whether each is proven to be the best; false where shared memories left too many ways to follow. */
  readonly complete: boolean;
}

export interface ChainSplit {
  readonly cost: number;
  readonly pieces: readonly (ChainPiece & {
    /** It lies on the very device of the piece before. */
    readonly again: boolean;
  })[];
}

/** A way to a prefix: the last piece and the way before it. */
interface Label {
  readonly cost: number;
  /** Bytes taken of each shared memory that may run out, and of the last device's own. */
  readonly taken: readonly number[];
  readonly used: number;
  readonly stage: number;
  readonly last: number;
  readonly piece: ChainSplit["pieces"][number] | undefined;
  readonly before: Label | undefined;
}

/** Ways kept to one place: a bound on moves. */
const WAYS_MAX = 16;

/**
 * The best split for every combination of devices that can hold the chain: what a device is worth can be read off those without it.
 *
 * Model: dynamic programme over (prefix, devices used of each class, class of the last stage), the contiguous programme of the partitioner on the prefixes
 * of a chain; where a memory that stages share may run out, all ways that no other beats in both cost and bytes are followed, up to a limit.
 * Complexity: O(layers² x combinations x classes² x variants) while no shared memory binds.
 * Source: Tarnawski et al., NeurIPS 2020, section 5, with counts per device type.
 */
export function splitChain(problem: ChainProblem): ChainSplits {
  const { layers, stages } = problem;
  assert(layers >= 1 && stages.least >= 1, "a chain has a layer and a stage", { layers, least: stages.least });
  const tight = tightMemories(problem);
  const table: Table = {
    prefixes: Array.from({ length: layers + 1 }, () => new Map()),
    tight,
    widths: digitWidths(problem.classes),
    complete: true,
  };
  const taken = [...tight.map(() => 0), 0];
  table.prefixes[0]!.set(0, [{ cost: 0, taken, used: 0, stage: 0, last: -1, piece: undefined, before: undefined }]);
  for (let from = 0; from < layers; from++) {
    const labels = [...table.prefixes[from]!.values()].flat();
    if (labels.length > 0) extendAll(problem, table, from, labels);
  }
  const best = new Map<number, Label>();
  for (const label of [...table.prefixes[layers]!.values()].flat()) {
    if (label.stage < stages.least) continue;
    const known = best.get(label.used);
    if (known === undefined || label.cost < known.cost) best.set(label.used, label);
  }
  return { splits: [...best.values()].sort((a, b) => a.cost - b.cost).map(traced), complete: table.complete };
}

interface Table {
  /** Ways to each prefix, by what the rest of the split depends on. */
  readonly prefixes: readonly Map<number, Label[]>[];
  readonly tight: readonly number[];
  readonly widths: readonly number[];
  complete: boolean;
}

function extendAll(problem: ChainProblem, table: Table, from: number, labels: readonly Label[]): void {
  const { classes, layers } = problem;
  for (let type = 0; type < classes.length; type++) {
    for (let variant = 0; variant < classes[type]!.variants; variant++) {
      for (let to = from + 1; to <= layers; to++) {
        const piece = { class: type, variant, from, to };
        const bytes = problem.bytesOf(piece);
        // A longer piece never takes less.
        if (bytes > roomOf(problem, type)) break;
        const cost = problem.costOf(piece);
        if (cost < Infinity) for (const label of labels) extend(problem, table, label, { piece, cost, bytes });
      }
    }
  }
}

function roomOf({ classes, freeBytes }: ChainProblem, type: number): number {
  const { memory } = classes[type]!;
  return "own" in memory ? memory.own : freeBytes[memory.shared]!;
}

interface Priced {
  readonly piece: ChainPiece;
  readonly cost: number;
  readonly bytes: number;
}

function extend(problem: ChainProblem, table: Table, label: Label, priced: Priced): void {
  const { stages, layers, classes } = problem;
  const { piece, cost } = priced;
  const stage = label.stage + 1;
  const missing = Math.max(stages.least - stage, piece.to < layers ? 1 : 0);
  if (stage + missing > stages.most || layers - piece.to < missing) return;
  const pinned = problem.pinned?.(label.stage);
  if (pinned !== undefined && pinned !== piece.class) return;
  const moved = label.last < 0 ? 0 : problem.handOver(label.last, piece.class);
  if (moved === Infinity) return;
  const total = problem.objective === "sum" ? label.cost + moved + cost : Math.max(label.cost, moved + cost);
  const offer = (used: number, again: boolean): void => {
    const key = (used * (stages.most + 1) + stage) * classes.length + piece.class;
    // Nothing but cost tells ways apart where no memory binds: most offers end here.
    const [known] = table.prefixes[piece.to]!.get(key) ?? [];
    if (known !== undefined && known.cost <= total && known.taken === label.taken) return;
    const taken = takenWith(problem, table.tight, label, { ...priced, again });
    if (taken === undefined) return;
    keep(table, piece.to, key, { cost: total, taken, used, stage, last: piece.class, piece: { ...piece, again }, before: label });
  };
  const width = table.widths[piece.class]!;
  const { count } = classes[piece.class]!;
  const left = Math.floor(label.used / width) % (count + 1) < count;
  if (left || pinned !== undefined) offer(left ? label.used + width : label.used, false);
  if (problem.repeat === true && label.last === piece.class) offer(label.used, true);
}

/** Weight of each class's digit, the number of its devices used, in the number of a combination. */
function digitWidths(classes: readonly ChainClass[]): readonly number[] {
  let width = 1;
  return classes.map(({ count }) => {
    const own = width;
    width *= count + 1;
    return own;
  });
}

/** Bytes taken with a further piece; `undefined` where a memory runs out. A device's own memory matters while its pieces follow one another. */
function takenWith(
  problem: ChainProblem,
  tight: readonly number[],
  label: Label,
  { piece, bytes, again }: Priced & { readonly again: boolean },
): readonly number[] | undefined {
  const { memory } = problem.classes[piece.class]!;
  if ("own" in memory) {
    if (problem.repeat !== true) return label.taken;
    const held = again ? label.taken.at(-1)! + bytes : bytes;
    return held > memory.own ? undefined : label.taken.with(-1, held);
  }
  const at = tight.indexOf(memory.shared);
  if (at < 0) return label.taken;
  const total = label.taken[at]! + bytes;
  return total > problem.freeBytes[memory.shared]! ? undefined : label.taken.with(at, total);
}

/** Keeps a way unless another to the same place costs no more and takes no more of any memory. */
function keep(table: Table, prefix: number, key: number, label: Label): void {
  const labels = table.prefixes[prefix]!;
  const known = labels.get(key);
  if (known === undefined) {
    labels.set(key, [label]);
    return;
  }
  const beats = (a: Label, b: Label): boolean => a.cost <= b.cost && a.taken.every((bytes, at) => bytes <= b.taken[at]!);
  if (known.some((other) => beats(other, label))) return;
  const kept = [...known.filter((other) => !beats(label, other)), label];
  if (kept.length > WAYS_MAX) {
    table.complete = false;
    const costliest = kept.reduce((most, one) => (one.cost > most.cost ? one : most));
    kept.splice(kept.indexOf(costliest), 1);
  }
  labels.set(key, kept);
}

/** Shared memories that several stages together might fill: those that do not hold the whole chain once for every stage. */
function tightMemories({ classes, freeBytes, bytesOf, layers, stages }: ChainProblem): readonly number[] {
  const most = freeBytes.map(() => 0);
  classes.forEach(({ memory, variants }, type) => {
    if ("own" in memory) return;
    for (let variant = 0; variant < variants; variant++) {
      most[memory.shared] = Math.max(most[memory.shared]!, bytesOf({ class: type, variant, from: 0, to: layers }));
    }
  });
  return Array.from(freeBytes.keys()).filter((memory) => most[memory]! * stages.most > freeBytes[memory]!);
}

function traced(label: Label): ChainSplit {
  const pieces: ChainSplit["pieces"][number][] = [];
  for (let at: Label | undefined = label; at?.piece !== undefined; at = at.before) pieces.unshift(at.piece);
  return { cost: label.cost, pieces };
}
