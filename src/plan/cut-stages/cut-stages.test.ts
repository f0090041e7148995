// Goal: stages cover every node once, are convex, never wait in a ring, run somewhere, and are cheap. Method: random graphs checked from their values
// alone, brute force over all cuts of short orders, and small graphs with a known answer; each check is shown to fail on a planted fault.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutOrder } from "./cut-order.ts";
import type { CutPrices, CutProblem, CutStage } from "./cut-problem.ts";
import { cutStages } from "./cut-stages.ts";
import { depthOrder } from "./depth-order.ts";

const node = (...times: number[]) => ({ times });
const chain = (nodes: CutProblem["nodes"], bytes = 0): CutProblem => ({
  nodes,
  values: nodes.slice(1).map((_node, i) => ({ producer: i, readers: [i + 1], bytes })),
  devices: nodes[0]!.times.length,
});
const PRICES: CutPrices = { taskNs: 10, bytesPerSecond: 1e9, stageNs: 1000, besideShare: 1 };

const problems = fc
  .record({
    size: fc.integer({ min: 1, max: 14 }),
    seeds: fc.array(fc.nat(1000), { minLength: 64, maxLength: 64 }),
    devices: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ size, seeds, devices }): CutProblem => {
    const draw = (at: number): number => seeds[at % seeds.length]!;
    return {
      devices,
      nodes: Array.from({ length: size }, (_unused, i) => {
        const times = Array.from({ length: devices }, (_none, d) => (draw(i * 7 + d) % 4 === 0 ? Infinity : draw(i * 5 + d)));
        return { times: times.some((ns) => ns < Infinity) ? times : times.map(() => 5) };
      }),
      // A reader may be any later node, so branches and joins of all kinds come up.
      values: Array.from({ length: size }, (_unused, i) => {
        const later = size - i - 1;
        const readers = later === 0 ? [] : [i + 1 + (draw(i * 3) % later), i + 1 + (draw(i * 11) % later)];
        return { producer: i, readers, bytes: draw(i) };
      }),
    };
  });

/** What is wrong with stages, from nodes and values alone. */
function flaw({ nodes, values, devices }: CutProblem, stages: readonly CutStage[]): string | undefined {
  const stageOf = new Map(stages.flatMap((stage, at) => stage.map((one) => [one, at] as const)));
  if (stageOf.size !== nodes.length || stages.flat().length !== nodes.length) return "not a cover";
  const runs = (stage: CutStage): boolean =>
    Array.from({ length: devices }, (_unused, d) => stage.every((one) => nodes[one]!.times[d]! < Infinity)).some(Boolean);
  if (!stages.every(runs)) return "runs nowhere";
  // Stages are given in an order they can run in; then no ring is possible, and no path leaves one and returns.
  const back = values.some(({ producer, readers }) =>
    readers.some((reader) => producer !== undefined && stageOf.get(producer)! > stageOf.get(reader)!),
  );
  return back ? "waits for a later one" : undefined;
}

describe("cut-stages", () => {
  it("cuts every graph into stages that run, in an order without a way back", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const cut = cutStages(problem, PRICES);
        expect(cut.ok && flaw(problem, cut.value)).toBeUndefined();
      }),
      { numRuns: 400, seed: 5 },
    );
  });

  it("has a check that sees a ring, a missing node and a stage that runs nowhere", () => {
    const problem = chain([node(1, Infinity), node(Infinity, 1), node(1, Infinity)]);
    expect(flaw(problem, [[0, 2], [1]])).toBe("waits for a later one");
    expect(flaw(problem, [[0], [1]])).toBe("not a cover");
    expect(flaw(problem, [[0, 1], [2]])).toBe("runs nowhere");
    expect(flaw(problem, [[0], [1], [2]])).toBeUndefined();
  });

  it("finds the cheapest of all cuts of an order", () => {
    fc.assert(
      fc.property(problems, (problem) => {
        const order = depthOrder(problem).slice(0, 8);
        const short = restricted(problem, order);
        const cut = cutOrder(
          short,
          order.map((_one, i) => i),
          PRICES,
        );
        const cheapest = Math.min(...allCuts(order.length).map((one) => priceOf(short, one)));
        expect(priceOf(short, cut)).toBeCloseTo(cheapest, 6);
      }),
      { numRuns: 100, seed: 7 },
    );
  });

  it("separates what only one device runs from the rest where that is worth a task, and not where it is not", () => {
    const heavy = chain([node(5000, 100), node(5000, Infinity), node(5000, 100)]);
    expect(cutStages(heavy, { ...PRICES, stageNs: 1e9 })).toEqual({ ok: true, value: [[0], [1], [2]] });
    const light = chain([node(5, 5), node(0, Infinity), node(5, 5)]);
    expect(cutStages(light, { ...PRICES, stageNs: 1e9 })).toEqual({ ok: true, value: [[0, 1, 2]] });
  });

  it("cuts where least is handed over", () => {
    const nodes = [node(900, 900), node(900, 900), node(900, 900), node(900, 900)];
    const bytes = [5000, 3, 5000];
    const problem = { ...chain(nodes), values: bytes.map((size, i) => ({ producer: i, readers: [i + 1], bytes: size })) };
    expect(cutStages(problem, { ...PRICES, stageNs: 1800 })).toEqual({
      ok: true,
      value: [
        [0, 1],
        [2, 3],
      ],
    });
  });

  it("gives branches stages of their own where two devices could run them", () => {
    // 0 forks to 1-2 and 3-4, 5 joins.
    const problem: CutProblem = {
      nodes: [node(1, 1), node(500, 500), node(500, 500), node(500, 500), node(500, 500), node(1, 1)],
      values: [
        { producer: 0, readers: [1, 3], bytes: 8 },
        { producer: 1, readers: [2], bytes: 8 },
        { producer: 3, readers: [4], bytes: 8 },
        { producer: 2, readers: [5], bytes: 8 },
        { producer: 4, readers: [5], bytes: 8 },
      ],
      devices: 2,
    };
    const cut = cutStages(problem, { ...PRICES, stageNs: 1e9 });
    const together = (a: number, b: number): boolean => cut.ok && cut.value.some((stage) => stage.includes(a) && stage.includes(b));
    expect([together(1, 2), together(3, 4), together(1, 3), together(2, 4)]).toEqual([true, true, false, false]);
    const alone = { ...problem, nodes: problem.nodes.map(({ times }) => node(times[0]!)), devices: 1 };
    expect(cutStages(alone)).toMatchObject({ ok: true, value: { length: 1 } });
  });

  it("cuts behind the nodes that are named, and elsewhere only where no device runs both sides", () => {
    const nodes = Array.from({ length: 6 }, () => node(2000, 2000));
    const prices = { ...PRICES, cutAfter: new Set([1, 3]) };
    expect(cutStages(chain(nodes), prices)).toEqual({
      ok: true,
      value: [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
    });
    const refused = chain([node(2000, Infinity), node(Infinity, 2000), ...nodes.slice(2)]);
    expect(cutStages(refused, prices)).toEqual({ ok: true, value: [[0], [1], [2, 3], [4, 5]] });
  });

  it("leaves a node alone that is to be", () => {
    const nodes = [node(1, 1), { ...node(1, 1), alone: true }, node(1, 1), node(1, 1)];
    expect(cutStages(chain(nodes), PRICES)).toEqual({ ok: true, value: [[0], [1], [2, 3]] });
  });

  it("names a node that no device runs", () => {
    expect(cutStages(chain([node(1), node(Infinity)]))).toEqual({ ok: false, error: { code: "runs-nowhere", node: 1 } });
  });

  it("takes ten thousand nodes", () => {
    const problem = chain(
      Array.from({ length: 10_000 }, () => node(50_000, 40_000)),
      1000,
    );
    const cut = cutStages({ ...problem, tooLarge: true });
    expect(cut.ok && flaw(problem, cut.value)).toBeUndefined();
    expect(cut.ok && cut.value.length).toBeGreaterThan(4);
  });

  it("leaves a graph whole that every device has room for, however long it takes", () => {
    const nodes = Array.from({ length: 100 }, () => node(1e9, 4e9));
    expect(cutStages(chain(nodes, 1000))).toMatchObject({ ok: true, value: { length: 1 } });
    expect(cutStages({ ...chain(nodes, 1000), tooLarge: true })).toMatchObject({ ok: true, value: { length: 9 } });
  });

  it("takes nodes that cost nothing", () => {
    expect(cutStages(chain([node(0, 0), node(0, 0)]))).toEqual({ ok: true, value: [[0, 1]] });
  });

  it("cuts for branches only where they are a good part of a graph", () => {
    // Four branches of equal length between a first and a last node, which take so much more than one of them.
    const forked = (rest: number): CutProblem => ({
      nodes: [node(rest, rest), ...Array.from({ length: 4 }, () => node(2e6, 2e6)), node(rest, rest)],
      values: [
        { producer: 0, readers: [1, 2, 3, 4], bytes: 8 },
        ...[1, 2, 3, 4].map((branch) => ({ producer: branch, readers: [5], bytes: 8 })),
      ],
      devices: 2,
    });
    const stages = (rest: number): number => {
      const cut = cutStages(forked(rest));
      return cut.ok ? cut.value.length : 0;
    };
    expect([stages(1e6), stages(50e6)]).toEqual([4, 1]);
  });
});

/** The first nodes of an order, renumbered by it. */
function restricted({ nodes, values, devices }: CutProblem, order: readonly number[]): CutProblem {
  const place = new Map(order.map((one, i) => [one, i]));
  return {
    devices,
    nodes: order.map((one) => nodes[one]!),
    values: values
      .filter(({ producer }) => place.has(producer!))
      .map(({ producer, readers, bytes }) => ({
        producer: place.get(producer!),
        readers: readers.flatMap((one) => place.get(one) ?? []),
        bytes,
      })),
  };
}

function allCuts(length: number): CutStage[][] {
  return Array.from({ length: 2 ** (length - 1) }, (_unused, bits) => {
    const stages: number[][] = [[0]];
    for (let at = 1; at < length; at++) (bits >> (at - 1)) & 1 ? stages.push([at]) : stages.at(-1)!.push(at);
    return stages;
  });
}

/** The price of a cut, written from its definition. */
function priceOf({ nodes, values, devices }: CutProblem, stages: readonly CutStage[]): number {
  return stages.reduce((sum, stage) => {
    const inside = new Set(stage);
    const least = (one: number): number => Math.min(...nodes[one]!.times);
    const onDevice = Array.from({ length: devices }, (_unused, d) => stage.reduce((all, one) => all + nodes[one]!.times[d]!, 0));
    const able = onDevice.filter((ns) => ns < Infinity).length;
    const ideal = stage.reduce((all, one) => all + least(one), 0);
    const depth = new Map<number, number>();
    for (const one of stage) {
      const before = values
        .filter(({ producer, readers }) => inside.has(producer!) && readers.includes(one))
        .map(({ producer }) => depth.get(producer!)!);
      depth.set(one, Math.max(0, ...before) + least(one));
    }
    const entering = values.filter(({ producer, readers }) => !inside.has(producer!) && readers.some((one) => inside.has(one)));
    const lost = stage.reduce((all, one) => all + least(one) * (1 - able / nodes[one]!.times.filter((ns) => ns < Infinity).length), 0);
    const bytes = entering.reduce((all, value) => all + value.bytes, 0);
    const beside = ideal - Math.max(...depth.values());
    return sum + 10 + bytes + (Math.min(...onDevice) - ideal) + lost / 4 + beside + Math.max(0, ideal - 1000);
  }, 0);
}
