// Goal: for every combination of devices the split is the best one that fits. Method: brute force over all splits of small chains drawn from a seed.
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { type ChainPiece, type ChainProblem, type ChainSplit, splitChain } from "./chain.ts";

interface Chosen extends ChainPiece {
  readonly again: boolean;
}

/** Every list of pieces that covers the chain, keeps counts, stages, pins and memories. */
function everySplit(problem: ChainProblem): readonly Chosen[][] {
  const { layers, classes, stages } = problem;
  const found: Chosen[][] = [];
  const grow = (pieces: readonly Chosen[], from: number): void => {
    if (from === layers) {
      if (pieces.length >= stages.least && fits(problem, pieces)) found.push([...pieces]);
      return;
    }
    if (pieces.length === stages.most) return;
    const pinned = problem.pinned?.(pieces.length);
    for (let type = 0; type < classes.length; type++) {
      if (pinned !== undefined && pinned !== type) continue;
      const left = usedOf(problem, pieces)[type]! < classes[type]!.count;
      for (let variant = 0; variant < classes[type]!.variants; variant++) {
        for (let to = from + 1; to <= layers; to++) {
          const piece = { class: type, variant, from, to };
          if (left || pinned !== undefined) grow([...pieces, { ...piece, again: false }], to);
          if (problem.repeat === true && pieces.at(-1)?.class === type) grow([...pieces, { ...piece, again: true }], to);
        }
      }
    }
  };
  grow([], 0);
  return found;
}

function usedOf({ classes }: ChainProblem, pieces: readonly Chosen[]): number[] {
  const used = classes.map(() => 0);
  for (const { class: type, again } of pieces) if (!again) used[type] = Math.min(used[type]! + 1, classes[type]!.count);
  return used;
}

function fits({ classes, freeBytes, bytesOf }: ChainProblem, pieces: readonly Chosen[]): boolean {
  const taken = freeBytes.map(() => 0);
  let held = 0;
  for (const piece of pieces) {
    const { memory } = classes[piece.class]!;
    if ("shared" in memory) taken[memory.shared]! += bytesOf(piece);
    else {
      held = bytesOf(piece) + (piece.again ? held : 0);
      if (held > memory.own) return false;
    }
  }
  return taken.every((bytes, memory) => bytes <= freeBytes[memory]!);
}

function costOf({ costOf: price, handOver, objective }: ChainProblem, pieces: readonly ChainPiece[]): number {
  const costs = pieces.map((piece, at) => price(piece) + (at === 0 ? 0 : handOver(pieces[at - 1]!.class, piece.class)));
  return objective === "sum" ? costs.reduce((sum, cost) => sum + cost, 0) : Math.max(...costs);
}

function randomProblem(seed: number): ChainProblem {
  const prng = seededPrng(seed);
  const classes = Array.from({ length: 1 + prng.nextBelow(3) }, () => ({
    count: prng.nextBelow(3),
    memory: prng.nextBelow(3) === 0 ? { own: 10 + prng.nextBelow(40) } : { shared: prng.nextBelow(2) },
    variants: 1 + prng.nextBelow(2),
  }));
  const rates = classes.map(() => [1 + prng.nextBelow(9), 1 + prng.nextBelow(9)]);
  const fixed = classes.map(() => prng.nextBelow(5));
  const hops = classes.map(() => classes.map(() => (prng.nextBelow(8) === 0 ? Infinity : prng.nextBelow(6))));
  const layers = 2 + prng.nextBelow(4);
  const head = prng.nextBelow(20);
  const least = 1 + prng.nextBelow(2);
  const pin = prng.nextBelow(4) === 0 ? { stage: prng.nextBelow(2), class: prng.nextBelow(classes.length) } : undefined;
  return {
    layers,
    classes,
    freeBytes: [10 + prng.nextBelow(60), 10 + prng.nextBelow(60)],
    costOf: ({ class: type, variant, from, to }) => fixed[type]! + rates[type]![variant]! * (to - from) + (to === layers ? head : 0),
    bytesOf: ({ variant, from, to }) => (variant === 0 ? 12 : 7) * (to - from) + (to === layers ? 9 : 0),
    handOver: (from, to) => hops[from]![to]!,
    objective: prng.nextBelow(2) === 0 ? "sum" : "largest",
    stages: { least, most: least + prng.nextBelow(3) },
    repeat: prng.nextBelow(3) === 0,
    ...(pin === undefined ? {} : { pinned: (stage: number) => (stage === pin.stage ? pin.class : undefined) }),
  };
}

/** Cost of the best split of every combination. */
function bestOf(problem: ChainProblem, splits: readonly (readonly Chosen[])[]): ReadonlyMap<string, number> {
  const best = new Map<string, number>();
  for (const pieces of splits) {
    const cost = costOf(problem, pieces);
    const key = usedOf(problem, pieces).join(" ");
    if (cost < (best.get(key) ?? Infinity)) best.set(key, cost);
  }
  return best;
}

function compare(
  problem: ChainProblem,
  asked: ChainProblem = problem,
): { readonly wanted: ReadonlyMap<string, number>; readonly found: readonly ChainSplit[] } {
  return { wanted: bestOf(problem, everySplit(problem)), found: splitChain(asked).splits };
}

describe("split of a chain", () => {
  it("equals brute force for every combination of devices on 600 random chains", () => {
    let feasible = 0;
    for (let seed = 0; seed < 600; seed++) {
      const problem = randomProblem(seed);
      const { wanted, found } = compare(problem);
      expect(found.length, `seed ${seed}`).toBe(wanted.size);
      feasible += wanted.size > 0 ? 1 : 0;
      for (const { pieces, cost } of found) {
        expect(fits(problem, pieces), `seed ${seed}`).toBe(true);
        expect(costOf(problem, pieces), `seed ${seed}`).toBeCloseTo(cost, 9);
        expect(cost, `seed ${seed}`).toBeCloseTo(wanted.get(usedOf(problem, pieces).join(" "))!, 9);
      }
      const costs = found.map(({ cost }) => cost);
      expect(costs).toEqual([...costs].sort((a, b) => a - b));
    }
    expect(feasible).toBeGreaterThan(200);
    expect(feasible).toBeLessThan(600);
  });

  it.each([
    ["memory", (problem: ChainProblem): ChainProblem => ({ ...problem, freeBytes: problem.freeBytes.map(() => 1e9) })],
    ["hand-overs", (problem: ChainProblem): ChainProblem => ({ ...problem, handOver: () => 0 })],
    ["pins", ({ pinned: _pinned, ...problem }: ChainProblem): ChainProblem => problem],
  ])("differs from brute force where %s are left out", (_what, broken) => {
    const differs = (seed: number): boolean => {
      const problem = randomProblem(seed);
      const { wanted, found } = compare(problem, broken(problem));
      return found.length !== wanted.size || found.some(({ pieces, cost }) => wanted.get(usedOf(problem, pieces).join(" ")) !== cost);
    };
    expect(Array.from({ length: 200 }, (_zero, seed) => differs(seed)).some(Boolean)).toBe(true);
  });

  const long: ChainProblem = {
    layers: 80,
    classes: Array.from({ length: 4 }, () => ({ count: 3, memory: { own: 30 }, variants: 1 })),
    freeBytes: [],
    costOf: ({ class: type, from, to }) => (to - from) * (1 + type),
    bytesOf: ({ from, to }) => to - from,
    handOver: () => 0.5,
    objective: "sum",
    stages: { least: 1, most: 6 },
  };

  it("cuts a long chain over many devices", () => {
    const { splits, complete } = splitChain(long);
    // Two full devices of the fastest class and the rest on a third.
    expect(splits[0]!.pieces).toHaveLength(3);
    expect(splits[0]!.cost).toBe(80 + 1);
    expect(complete).toBe(true);
  });

  it("says where shared memories left more ways than it follows", () => {
    const classes = [0, 1, 2, 3].map((memory) => ({ count: 2, memory: { shared: memory }, variants: 1 }));
    const { splits, complete } = splitChain({ ...long, layers: 36, classes, freeBytes: [20, 20, 20, 20], stages: { least: 1, most: 5 } });
    expect(splits[0]!.cost).toBe(20 + 32 + 0.5);
    expect(complete).toBe(false);
  });
});
