import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import { createFlowNetwork } from "./flow-network.ts";

const UNIT = 1e9;

interface Flow {
  readonly path: readonly number[];
  readonly bytes: number;
  readonly startNs: number;
  readonly weight: number;
  readonly priority: number;
  /** bytes/ns; infinite where it has none. */
  readonly rateMax: number;
}

interface Scene {
  readonly capacity: readonly number[];
  readonly flows: readonly Flow[];
}

/**
 * Max-min rates by raising a common level in the whole network, link sums counted afresh at every step: shares nothing with the program. `doubled`
 * plants a fault: the first link counts twice.
 */
function oracleRates(capacity: readonly number[], flows: readonly Flow[], doubled = false): number[] {
  const rates = flows.map(() => 0);
  const priorities = [...new Set(flows.map((flow) => flow.priority))].sort((a, b) => b - a);
  const limit = capacity.map((rate, link) => (doubled && link === 0 ? 2 * rate : rate));
  for (const priority of priorities) {
    const open = new Set(flows.map((_, i) => i).filter((i) => flows[i]!.priority === priority));
    while (open.size > 0) {
      let level = Number.POSITIVE_INFINITY;
      const stops = new Set<number>();
      const offer = (value: number, members: readonly number[]): void => {
        if (value < level * (1 - 1e-12)) stops.clear();
        if (value <= level * (1 + 1e-12)) {
          level = Math.min(level, value);
          for (const i of members) stops.add(i);
        }
      };
      limit.forEach((rate, link) => {
        const members = [...open].filter((i) => flows[i]!.path.includes(link));
        if (members.length === 0) return;
        const taken = flows.reduce((sum, flow, i) => sum + (!open.has(i) && flow.path.includes(link) ? rates[i]! : 0), 0);
        const left = rate - taken < rate * 1e-12 ? 0 : rate - taken;
        offer(left / members.reduce((sum, i) => sum + flows[i]!.weight, 0), members);
      });
      for (const i of open) offer(flows[i]!.rateMax / flows[i]!.weight, [i]);
      for (const i of stops) {
        rates[i] = level * flows[i]!.weight;
        open.delete(i);
      }
    }
  }
  return rates;
}

/** Runs the scene with the oracle's rates over the whole network at every event. */
function oracleEnds({ capacity, flows }: Scene): number[] {
  const left = flows.map((flow) => flow.bytes);
  const ends = flows.map(() => -1);
  let now = 0;
  for (;;) {
    const active = flows.map((_, i) => i).filter((i) => flows[i]!.startNs <= now && ends[i]! < 0);
    const rates = oracleRates(
      capacity,
      active.map((i) => flows[i]!),
    );
    const nextStart = Math.min(...flows.filter((flow) => flow.startNs > now).map((flow) => flow.startNs));
    const nextEnd = Math.min(...active.map((i, k) => (rates[k]! > 0 ? now + left[i]! / rates[k]! : Number.POSITIVE_INFINITY)));
    const next = Math.min(nextStart, nextEnd);
    if (next === Number.POSITIVE_INFINITY) return ends;
    active.forEach((i, k) => {
      left[i] = left[i]! - rates[k]! * (next - now);
      if (left[i]! <= 1e-6 * Math.max(1, rates[k]!)) ends[i] = next;
    });
    now = next;
  }
}

function sceneOf(seed: number): Scene {
  const draw = seededPrng(seed);
  const links = 1 + draw.nextBelow(6);
  const capacity = Array.from({ length: links }, () => 1 + draw.nextBelow(12));
  const flows = Array.from({ length: 1 + draw.nextBelow(14) }, () => {
    const all = Array.from({ length: links }, (_, link) => link).filter(() => draw.nextBelow(2) === 0);
    return {
      path: all.length === 0 ? [draw.nextBelow(links)] : all,
      bytes: 1 + draw.nextBelow(5000),
      startNs: draw.nextBelow(3) * draw.nextBelow(400),
      weight: 1 + draw.nextBelow(4),
      priority: draw.nextBelow(2),
      rateMax: draw.nextBelow(4) === 0 ? 0.5 + draw.nextBelow(3) : Number.POSITIVE_INFINITY,
    };
  });
  return { capacity, flows };
}

function run(
  { capacity, flows }: Scene,
  watch?: (rates: readonly number[], active: readonly number[]) => void,
): { ends: number[]; log: string } {
  const network = createFlowNetwork(capacity.map((rate) => ({ bytesPerSecond: rate * UNIT })));
  const ends = flows.map(() => -1);
  const order = flows.map((_, i) => i).sort((a, b) => flows[a]!.startNs - flows[b]!.startNs || a - b);
  const active = new Set<number>();
  let log = "";
  const told = (flow: number, timeNs: number): void => {
    ends[flow] = timeNs;
    active.delete(flow);
    log += `${flow}@${timeNs} `;
  };
  const see = (): void =>
    watch?.(
      [...active].map((i) => network.rateOf(i) / UNIT),
      [...active],
    );
  for (const i of order) {
    const { path, bytes, startNs, weight, priority, rateMax } = flows[i]!;
    network.advance(startNs, told);
    see();
    network.start(
      i,
      path,
      { bytes, nowNs: startNs },
      { weight, priority, ...(rateMax < Number.POSITIVE_INFINITY && { bytesPerSecondMax: rateMax * UNIT }) },
    );
    active.add(i);
    see();
  }
  for (let next = network.nextFinish(); next !== undefined; next = network.nextFinish()) {
    network.advance(next.timeNs, told);
    see();
  }
  return { ends, log };
}

describe("fair shares against an oracle", () => {
  it("every flow ends within a nanosecond of what the oracle's rates over the whole network give", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const scene = sceneOf(seed);
        const expected = oracleEnds(scene);
        const { ends } = run(scene);
        ends.forEach((end, i) => {
          expect(end - expected[i]!, `flow ${i} of seed ${seed}`).toBeGreaterThan(-0.01);
          expect(end - expected[i]!, `flow ${i} of seed ${seed}`).toBeLessThan(1.01);
        });
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  it("rates at every instant: no link over its rate, every flow with a bottleneck, and the oracle's", () => {
    for (let seed = 0; seed < 80; seed++) {
      const scene = sceneOf(seed);
      run(scene, (rates, active) => {
        const flows = active.map((i) => scene.flows[i]!);
        const expected = oracleRates(scene.capacity, flows);
        for (const [k, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[k]!, 9);
        const used = scene.capacity.map((_, link) => flows.reduce((sum, flow, k) => sum + (flow.path.includes(link) ? rates[k]! : 0), 0));
        for (const [link, sum] of used.entries()) expect(sum).toBeLessThanOrEqual(scene.capacity[link]! * (1 + 1e-9));
        for (const [k, flow] of active.entries())
          expect(hasBottleneck(scene.capacity, flows, rates, k, used), `flow ${flow} of seed ${seed}`).toBe(true);
        expect(lowerPrioritiesSlow(scene, flows, rates)).toBe(false);
      });
    }
  });

  it("the oracle with a planted fault is told apart", () => {
    let differ = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { capacity, flows } = sceneOf(seed);
      const right = oracleRates(capacity, flows);
      if (oracleRates(capacity, flows, true).some((rate, i) => Math.abs(rate - right[i]!) > 1e-9)) differ += 1;
    }
    expect(differ).toBeGreaterThan(10);
  });

  it("equal calls give equal ends in equal order", () => {
    for (let seed = 0; seed < 30; seed++) expect(run(sceneOf(seed)).log).toBe(run(sceneOf(seed)).log);
  });
});

/** A full link on which no flow of its priority has a higher rate for its weight, or its own greatest rate. */
function hasBottleneck(
  capacity: readonly number[],
  flows: readonly Flow[],
  rates: readonly number[],
  k: number,
  used: readonly number[],
): boolean {
  const { path, weight, priority, rateMax } = flows[k]!;
  if (rates[k]! >= rateMax * (1 - 1e-9)) return true;
  return path.some(
    (link) =>
      used[link]! >= capacity[link]! * (1 - 1e-9) &&
      flows.every(
        (other, j) =>
          !other.path.includes(link) ||
          other.priority > priority ||
          (other.priority < priority && rates[j]! < 1e-9) ||
          (other.priority === priority && rates[j]! / other.weight <= (rates[k]! / weight) * (1 + 1e-9)),
      ),
  );
}

/** A flow of a lower priority on a link never slows one of a higher: without the lower ones the higher have the same rates. */
function lowerPrioritiesSlow({ capacity }: Scene, flows: readonly Flow[], rates: readonly number[]): boolean {
  const top = Math.max(...flows.map((flow) => flow.priority));
  const high = flows.map((_, k) => k).filter((k) => flows[k]!.priority === top);
  const alone = oracleRates(
    capacity,
    high.map((k) => flows[k]!),
  );
  return high.some((k, i) => Math.abs(alone[i]! - rates[k]!) > 1e-9);
}
