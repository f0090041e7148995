/** Racks of unlike devices with a graph to place on each, drawn from a seed. */
import { type Prng, seededPrng } from "../src/base/prng.ts";
import type { DeviceType, OperatorNode, PartitionProblem } from "../src/plan/partition/problem.ts";

export interface GeneratedRack {
  readonly name: string;
  readonly problem: PartitionProblem;
}

export interface RackOptions {
  readonly seed: number;
  /** About so many operators. */
  readonly nodes: number;
}

const FAMILIES = ["layered", "transformer", "branching"] as const;

/**
 * A graph of one of three families on a rack of a CPU type and two or three accelerator types.
 *
 * Types differ in count, in speed (by operator, not only by a factor), in operators they lack, in memory and in the link to the rest of the rack. All
 * devices together hold 1.3 to 2 times the graph; no type of accelerators holds all of it.
 * Units: times and costs in us, bytes in whole MB.
 */
export function generatedRack({ seed, nodes }: RackOptions): GeneratedRack {
  const prng = seededPrng(seed);
  const family = FAMILIES[seed % FAMILIES.length]!;
  const shape = { layered, transformer, branching }[family](prng, nodes);
  const bytes = shape.work.map((work, i) => (shape.light[i] ? 0 : Math.ceil(work * (0.5 + prng.nextFloat()))));
  const kinds = 3 + prng.nextBelow(2);
  const speeds = Array.from({ length: kinds }, (_zero, t) => (t === kinds - 1 ? 8 : 1 + t * (0.5 + prng.nextFloat())));
  const types = typesOf(prng, { kinds, held: bytes.reduce((sum, each) => sum + each, 0) });
  const operators = shape.work.map(
    (work, i): OperatorNode => ({
      times: speeds.map((speed, t) =>
        t < kinds - 1 && prng.nextBelow(LACKS) === 0 ? Infinity : round(work * speed * (0.7 + 0.6 * prng.nextFloat())),
      ),
      bytes: bytes[i]!,
      outputCost: round(shape.cost[i]!),
      backward: false,
    }),
  );
  const counts = types.map(({ count }) => count).join("+");
  return { name: `${family} ${operators.length} on ${counts} (seed ${seed})`, problem: { types, nodes: operators, edges: shape.edges } };
}

/** One operator of so many is not supported by an accelerator type. */
const LACKS = 12;
const round = (value: number): number => Math.round(value * 1000) / 1000;

function typesOf(prng: Prng, { kinds, held }: { readonly kinds: number; readonly held: number }): DeviceType[] {
  const counts = Array.from({ length: kinds }, (_zero, t) => (t === kinds - 1 ? 1 : 1 + ((t + prng.nextBelow(3)) % 3)));
  const weights = counts.map(() => 0.6 + 0.8 * prng.nextFloat());
  const accelerators = counts.slice(0, -1).reduce((sum, count, t) => sum + count * weights[t]!, 0);
  const room = 1.1 + 0.5 * prng.nextFloat();
  return counts.map((count, t) => ({
    name: t === kinds - 1 ? "cpu" : `accelerator-${t}`,
    count,
    memoryBytes: t === kinds - 1 ? Math.ceil(0.3 * held) : Math.ceil((room * held * weights[t]!) / accelerators),
    transferFactor: t === kinds - 1 ? 0 : round(0.4 + 1.6 * prng.nextFloat()),
  }));
}

interface Shape {
  readonly work: readonly number[];
  /** Operators without weights. */
  readonly light: readonly boolean[];
  readonly cost: readonly number[];
  readonly edges: readonly (readonly [number, number])[];
}

interface Draft {
  readonly work: number[];
  readonly light: boolean[];
  readonly cost: number[];
  readonly edges: [number, number][];
}

function add(draft: Draft, operator: { work: number; light: boolean; cost: number }, inputs: readonly number[]): number {
  const index = draft.work.push(operator.work) - 1;
  draft.light.push(operator.light);
  draft.cost.push(operator.cost);
  for (const input of new Set(inputs)) draft.edges.push([input, index]);
  return index;
}

const emptyDraft = (): Draft => ({ work: [], light: [], cost: [], edges: [] });

/** Layers of two to four operators, each reading one to three of the layer before, now and then one further back. */
function layered(prng: Prng, size: number): Shape {
  const draft = emptyDraft();
  const layers: number[][] = [];
  while (draft.work.length < size) {
    const width = Math.min(2 + prng.nextBelow(3), size - draft.work.length);
    const before = layers[layers.length - 1];
    const earlier = layers[layers.length - 3];
    layers.push(
      Array.from({ length: width }, () => {
        const inputs = before === undefined ? [] : Array.from({ length: 1 + prng.nextBelow(3) }, () => pick(prng, before));
        if (earlier !== undefined && prng.nextBelow(5) === 0) inputs.push(pick(prng, earlier));
        return add(draft, { work: 20 + prng.nextBelow(180), light: prng.nextBelow(3) === 0, cost: 2 + 20 * prng.nextFloat() }, inputs);
      }),
    );
  }
  return draft;
}

/** Blocks of query, key, value, attention, projection, sum, two halves of a feed-forward layer, sum. */
function transformer(prng: Prng, size: number): Shape {
  const draft = emptyDraft();
  const token = 4 + 6 * prng.nextFloat();
  let residual = add(draft, { work: 10, light: false, cost: token }, []);
  while (draft.work.length + BLOCK <= size) {
    const heads = [60, 20, 20].map((work) => add(draft, { work, light: false, cost: (token * work) / 60 }, [residual]));
    const attention = add(draft, { work: 30 + prng.nextBelow(60), light: true, cost: token }, heads);
    const projection = add(draft, { work: 60, light: false, cost: token }, [attention]);
    const middle = add(draft, { work: 4, light: true, cost: token }, [residual, projection]);
    const up = add(draft, { work: 160 + prng.nextBelow(40), light: false, cost: 3 * token }, [middle]);
    const down = add(draft, { work: 160, light: false, cost: token }, [up]);
    residual = add(draft, { work: 4, light: true, cost: token }, [middle, down]);
  }
  add(draft, { work: 120 + prng.nextBelow(200), light: false, cost: 1 }, [residual]);
  return draft;
}

/** Operators of one transformer block. */
const BLOCK = 9;

/** Modules of two to four branches of one to three operators between a split and a join; outputs shrink, work grows. */
function branching(prng: Prng, size: number): Shape {
  const draft = emptyDraft();
  let last = add(draft, { work: 40, light: false, cost: 30 }, []);
  for (let module = 0; draft.work.length < size; module++) {
    const cost = 30 / (1 + module / 2);
    const ends = Array.from({ length: 2 + prng.nextBelow(3) }, () => {
      let at = last;
      for (let depth = 1 + prng.nextBelow(3); depth > 0; depth--) {
        at = add(draft, { work: 15 + 10 * module + prng.nextBelow(80), light: false, cost: cost * (0.3 + 0.7 * prng.nextFloat()) }, [at]);
      }
      return at;
    });
    last = add(draft, { work: 5, light: true, cost }, ends);
  }
  return draft;
}

function pick(prng: Prng, items: readonly number[]): number {
  return items[prng.nextBelow(items.length)]!;
}
