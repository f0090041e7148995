// Goal: the interval after a probe holds nine runs in ten on machines of many kinds, and is narrow where a machine allows it. Method: machines that
// drift between runs, drawn from a seed, with figures that are none of the model's guesses; and histories by hand.
import { describe, expect, it } from "vitest";
import { ln } from "../base/math.ts";
import { seededPrng } from "../base/prng.ts";
import { normalDraw, quantile } from "../base/statistics.ts";
import { type SeenRun, speedAfterProbe } from "./speed-posterior.ts";

interface Machine {
  /** Variance of ln(time) a second; standard deviations of a run and of a probe. */
  readonly drift: number;
  readonly run: number;
  readonly probe: number;
}

const MACHINES = 60;
const LESSONS = 3;
const RUNS = 9;
const GAP_S = 45;
const KEPT = 8;

/** Share of the runs after the lessons that lie in their interval, and the median half-width of the intervals, in ln(time). */
function judged({ drift, run, probe }: Machine): { readonly coverage: number; readonly halfWidth: number } {
  const prng = seededPrng(3);
  const widths: number[] = [];
  let held = 0;
  for (let machine = 0; machine < MACHINES; machine++) {
    const seen: { at: number; run: number; probe: number }[] = [];
    let level = 0.3;
    for (let index = 0; index < RUNS; index++) {
      level += Math.sqrt(drift * GAP_S) * normalDraw(prng);
      const now = { at: index * GAP_S, run: level + run * normalDraw(prng), probe: level + probe * normalDraw(prng) };
      if (index >= LESSONS) {
        const history = seen.slice(-KEPT).map((one) => ({ ...one, age: now.at - one.at }));
        const { factor, spread } = speedAfterProbe(history, now.probe);
        const halfWidth = ln(1 + spread.systematic);
        widths.push(halfWidth);
        if (Math.abs(now.run - ln(factor)) <= halfWidth) held++;
      }
      seen.push(now);
    }
  }
  return { coverage: held / widths.length, halfWidth: quantile(widths, 0.5) };
}

const level = (values: readonly number[], probes: readonly number[]): SeenRun[] =>
  values.map((run, index) => ({ age: 60 * (values.length - index), run, probe: probes[index]! }));

describe("speed after a probe", () => {
  it.each([
    ["quiet", { drift: 2.5e-5, run: 0.05, probe: 0.03 }, 0.11],
    ["busy", { drift: 1e-4, run: 0.075, probe: 0.06 }, 0.17],
    ["steady", { drift: 1e-6, run: 0.015, probe: 0.01 }, 0.06],
    ["drifting", { drift: 3e-4, run: 0.03, probe: 0.03 }, 0.12],
    ["with probes that tell little", { drift: 2e-5, run: 0.04, probe: 0.15 }, 0.14],
  ] as const)("holds nine runs in ten of a machine, %s", (_name, machine, most) => {
    const { coverage, halfWidth } = judged(machine);
    expect(coverage).toBeGreaterThan(0.84);
    expect(halfWidth).toBeLessThan(most);
  });

  it("goes with a probe alone where nothing was seen", () => {
    const { factor, probeWeight } = speedAfterProbe([], ln(1.4));
    expect(factor).toBeGreaterThan(1.35);
    expect(probeWeight).toBeGreaterThan(0.95);
  });

  it("changes less than the probe says where recent runs agree with one another, and is surer than either", () => {
    const agreed = level([0.01, -0.02, 0.02, 0, -0.01], [0.05, -0.06, 0.03, -0.05, 0.06]);
    const { factor, probeWeight } = speedAfterProbe(agreed, ln(1.08));
    expect(probeWeight).toBeLessThan(0.5);
    expect(factor).toBeLessThan(1.04);
    expect(speedAfterProbe(agreed, 0).spread.systematic).toBeLessThan(speedAfterProbe([], 0).spread.systematic);
  });

  it("goes with a probe far off what sure runs say: the machine is another", () => {
    const sure = level([0.01, -0.02, 0.02, 0, -0.01], [0, -0.01, 0.03, 0, -0.02]);
    expect(speedAfterProbe(sure, ln(2)).factor).toBeGreaterThan(1.85);
    expect(speedAfterProbe(sure, ln(0.5)).factor).toBeLessThan(0.54);
  });

  it("trusts history the less the older it is", () => {
    const recent = level([0, 0, 0], [0, 0, 0]);
    const old = recent.map((one) => ({ ...one, age: one.age + 7200 }));
    expect(speedAfterProbe(old, ln(1.2)).probeWeight).toBeGreaterThan(speedAfterProbe(recent, ln(1.2)).probeWeight);
  });
});
