// Goal: figures of a deployment's run are those of their definitions, told apart iteration by iteration, and what cannot be honoured is refused. Method:
// sums over requests against sums over iterations, leaps against single iterations, and small runs worked out by hand.
import { describe, expect, it } from "vitest";
import type { HeddleError } from "../../base/heddle-error.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { parseChange } from "../../plan/deployment/change.ts";
import { changeDeployment } from "../../plan/deployment/change-deployment.ts";
import { readDeployment, writeDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { runServing } from "../serving/run-serving.ts";
import type { IterationListener, RequestColumns, ServingOutcome } from "../serving/serving-input.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { deploymentFigures, deploymentRuns } from "./deployment-ensemble.ts";
import { type DeploymentRun, servingInputOf } from "./deployment-run.ts";
import { iterationWatch } from "./iteration-watch.ts";
import { pricePool } from "./price-pool.ts";
import { queueGrowth } from "./queue-growth.ts";
import { whatIfRows } from "./what-if.ts";

function runOf(text: string, workload: string): DeploymentRun {
  const { deployment } = readDeployment(text);
  const architecture = knownArchitecture(deployment.model)!;
  const pools = deployment.pools.map((pool, i) => {
    const priced = pricePool(pool, i, { architecture, sheet: deviceSheet(pool.device) });
    if (!priced.ok) return expect.unreachable(priced.error.code);
    return priced.value;
  });
  return { deployment, architecture, pools, requests: generateColumns(workload) };
}

const SMALL = "version: 1\nmodel: Llama-3.1-8B\npools:\n  - { device: l40s, replicas: 2 }\nrouting: least-loaded\n";
const LOAD = "poisson:rate=6,prompt=100-900,output=5-80,seconds=15,seed=2";

describe("a deployment's run", () => {
  const run = runOf(SMALL, LOAD);

  it("tells of the same iterations leaping and one by one", () => {
    const told = (stepping: "leap" | "unit"): string[] => {
      const lines: string[] = [];
      const onIteration: IterationListener = (replica, startNs, endNs, shape, firsts, ended) =>
        void lines.push([replica, startNs, endNs, ...Object.values(shape), firsts, ended].join(" "));
      runServing(servingInputOf(run, { seed: 1, stepping, onIteration }));
      return lines.sort();
    };
    const unit = told("unit");
    expect(unit.length).toBeGreaterThan(200);
    expect(told("leap")).toEqual(unit);
  });

  it("has gaps that add up to the time between first and last tokens", () => {
    const watch = iterationWatch(run.pools);
    const outcome = runServing(servingInputOf(run, { seed: 1, onIteration: watch.listener }));
    const { outputTokens, count } = run.requests;
    let spans = 0;
    let gaps = 0;
    for (let i = 0; i < count; i++) {
      spans += outcome.lastTokenNs[i]! - outcome.firstTokenNs[i]!;
      gaps += outputTokens[i]! - 1;
    }
    expect(outcome.preemptions).toBe(0);
    expect(watch.gaps(spans).mean / (spans / gaps)).toBeCloseTo(1, 9);
    expect(watch.gaps(spans).p50).toBeLessThan(watch.gaps(spans).p99);
    const busy = outcome.busyNs.reduce((sum, ns) => sum + ns, 0) / 1e9;
    // Between the power of decoding and that of prompts: shares of board power that the iteration cost states.
    expect(watch.joules()).toBeGreaterThan(0.3 * 350 * busy);
    expect(watch.joules()).toBeLessThan(350 * busy);
  });

  const ROLES = "version: 1\nmodel: Llama-3.1-8B\nkvTransfer: { bandwidthBytesPerSecond: 1e+9, latencyNs: 1000 }\npools:\n";
  it.each([
    ["prompts in iterations of their own", SMALL.replace("replicas: 2", "replicas: 2, engine: { name: sglang }"), 2],
    ["preemptions", SMALL.replace("replicas: 2", "replicas: 2, engine: { kvBlocks: 90 }"), 1],
    [
      "KV that comes from elsewhere",
      `${ROLES}  - { name: p, role: prefill, device: l40s }\n  - { name: d, role: decode, device: l40s }\n`,
      1,
    ],
  ])("has gaps that add up with %s", (_of, text, stalls) => {
    const apart = runOf(text, LOAD);
    const [only] = deploymentRuns(apart, { runs: 1, seed: 1 });
    const { itl, preemptions } = only!.figures;
    expect(preemptions > 0).toBe(text.includes("kvBlocks"));
    const { firstTokenNs, lastTokenNs } = only!.outcome;
    const spans = lastTokenNs.reduce((sum, last, i) => sum + last - firstTokenNs[i]!, 0);
    const tokens = apart.requests.outputTokens.reduce((sum, count) => sum + count - 1, 0);
    expect(itl.mean / (spans / tokens)).toBeGreaterThan(0.995);
    expect(itl.mean / (spans / tokens)).toBeLessThan(1.005);
    // Decodes wait for whole prompts, which the longest gaps have to show.
    expect(itl.p99 / itl.p50).toBeGreaterThan(stalls);
  });

  it("has a first run without error and others on both sides of it, alike for a seed", () => {
    const runs = [...deploymentRuns(run, { runs: 9, seed: 3 })].map(({ figures }) => figures);
    const exact = [...deploymentRuns(run, { runs: 1, seed: 8 })][0]!.figures;
    expect(runs[0]!.tpot).toEqual(exact.tpot);
    const slower = runs.filter((one) => one.tpot.mean > exact.tpot.mean).length;
    expect(slower).toBe(4);
    expect([...deploymentRuns(run, { runs: 9, seed: 3 })].map(({ figures }) => figures)).toEqual(runs);
    const { tpot, joulesPerOutputToken: joules } = deploymentFigures(runs);
    // The power of an L40S is assumed: its error stands beside that of the time.
    expect(joules.low).toBeLessThan(0.7 * Math.min(...runs.map((one) => one.joulesPerOutputToken)) * 1.000001);
    expect(joules.high).toBeGreaterThan(1.3 * joules.value);
    expect(tpot.mean.low < exact.tpot.mean && exact.tpot.mean < tpot.mean.high).toBe(true);
  });

  it("counts what keeps the limits, whatever may fail", () => {
    const share = (objective: object): number =>
      [...deploymentRuns(run, { runs: 1, seed: 1, objective: { share: 0.9, ...objective } })][0]!.figures.goodShare;
    expect(share({ ttftNs: 1e12, tpotNs: 1e12, e2eNs: 1e12 })).toBe(1);
    expect(share({ ttftNs: 1 })).toBe(0);
    const half = [...deploymentRuns(run, { runs: 1, seed: 1 })][0]!.figures.e2e.p50;
    expect(share({ e2eNs: half })).toBeCloseTo(0.5, 1);
  });

  it("refuses requests longer than the model's limit", () => {
    const limited = runOf(`${SMALL.replace("replicas: 2", "replicas: 2, engine: { maxModelTokens: 500 }")}`, LOAD);
    const refused = (): unknown => servingInputOf(limited, { seed: 1 });
    expect(refused).toThrow(/longer than 500 tokens/);
    try {
      refused();
    } catch (thrown) {
      expect((thrown as HeddleError).code).toBe("workload-invalid");
    }
  });

  it("runs prefill and decode pools with the bytes of a token between them", () => {
    const split = runOf(
      "version: 1\nmodel: Llama-3.1-8B\npools:\n  - { name: p, role: prefill, device: l40s }\n  - { name: d, role: decode, device: l40s }\nkvTransfer: { bandwidthBytesPerSecond: 2.0e+9, latencyNs: 1000 }\n",
      "poisson:rate=1,prompt=1000,output=5,seconds=10",
    );
    // 32 layers, 8 heads of 128, keys and values in 16 bits.
    expect(servingInputOf(split, { seed: 1 }).kvTransfer).toMatchObject({ bytesPerToken: 131_072, layers: 32 });
    const { figures } = [...deploymentRuns(split, { runs: 1, seed: 1 })][0]!;
    expect(figures.requests.unfinished).toBe(0);
    expect(figures.busy.length).toBe(2);
  });
});

describe("fields that would change nothing", () => {
  it.each([
    ["a start-up time where no replica starts", "startUpNs: 5", "startUpNs"],
    ["a format of experts that the model does not have", "precision: { experts: f8e4m3 }", "precision.experts"],
  ])("are refused: %s", (_what, field, named) => {
    const { deployment } = readDeployment(SMALL.replace("replicas: 2", field));
    const parts = { architecture: knownArchitecture("Llama-3.1-8B")!, sheet: deviceSheet("l40s") };
    const priced = pricePool(deployment.pools[0]!, 0, parts);
    expect(priced).toMatchObject({ ok: false, error: { code: "no-basis", missing: expect.stringContaining(named) } });
  });
});

describe("replicas that come and go", () => {
  const SCALED = `version: 1
model: Llama-3.1-8B
pools:
  - name: a
    device: l40s
    replicas: 3
    startUpNs: 5.0e+9
    scaling: { least: 1, everyNs: 1.0e+9, orderAbove: 6, drainBelow: 3 }
    outages: { meanUpNs: 6.0e+10, repairNs: 1.0e+10, resubmitNs: 1.0e+8 }
routing: least-loaded
`;
  const WAVES = "diurnal:rate=3,peak=1.9,period=60,prompt=100-900,output=20-80,seconds=120,seed=2";
  const outcomeOf = (...changes: readonly string[]) => {
    const { deployment } = changeDeployment(readDeployment(SCALED).deployment, changes.map(parseChange));
    const run = runOf(writeDeployment(deployment), WAVES);
    const [one] = [...deploymentRuns(run, { runs: 1, seed: 1 })];
    return { run, ...one! };
  };
  const base = outcomeOf();

  it.each([
    "pools.a.replicas=2",
    "pools.a.startUpNs=2e10",
    "pools.a.scaling.least=2",
    "pools.a.scaling.initial=3",
    "pools.a.scaling.everyNs=4e9",
    "pools.a.scaling.orderAbove=9",
    "pools.a.scaling.drainBelow=1",
    "pools.a.scaling=null",
    "pools.a.outages.meanUpNs=3e11",
    "pools.a.outages.repairNs=2e10",
    "pools.a.outages.resubmitNs=2e9",
    "pools.a.outages=null",
  ])("run otherwise with %s", (change) => {
    expect(outcomeOf(change).outcome.hash).not.toBe(base.outcome.hash);
  });

  it("answer all requests, and tell how many were sent again", () => {
    expect(base.figures.requests).toMatchObject({ rejected: 0, unfinished: 0 });
    expect(base.figures.resent).toBeGreaterThan(0);
    expect(outcomeOf("pools.a.outages=null").figures.resent).toBe(0);
    // A host that is repaired starts its replica.
    expect(base.run.pools[0]!.settings.outages).toEqual({ meanUpNs: 6e10, repairNs: 1.5e10, resubmitNs: 1e8 });
  });

  it("cost what their hours cost", () => {
    const dollars = deviceSheet("l40s").dollarsPerHour!.value;
    for (const { run, outcome, figures } of [base, outcomeOf("pools.a.scaling=null", "pools.a.outages=null", "pools.a.startUpNs=0")]) {
      const hours = outcome.replicaNs.reduce((sum, ns) => sum + ns, 0) / 3.6e12;
      const tokens = run.requests.outputTokens.reduce((sum, count) => sum + count, 0);
      expect((figures.dollarsPerMillionOutputTokens * tokens) / 1e6 / (dollars * hours)).toBeCloseTo(1, 9);
      expect(figures.replicas[0]).toBeCloseTo((hours * 3.6e12) / figures.lastingNs, 9);
    }
    const fixed = outcomeOf("pools.a.scaling=null").figures;
    expect(fixed.replicas).toEqual([3]);
    expect(base.figures.replicas[0]).toBeGreaterThan(1);
    expect(base.figures.replicas[0]).toBeLessThan(2.9);
    expect(base.figures.dollarsPerMillionOutputTokens).toBeLessThan(fixed.dollarsPerMillionOutputTokens);
    expect(base.figures.ttft.p99).toBeGreaterThan(fixed.ttft.p99);
    const { samples } = base.outcome;
    expect(Math.min(...samples!.ordered)).toBeLessThan(Math.max(...samples!.ordered));
    expect(samples!.serving.every((count, i) => count <= samples!.ordered[i]!)).toBe(true);
    expect(samples!.serving.some((count, i) => count < samples!.ordered[i]!)).toBe(true);
  });

  it("are lost anew in each run of an ensemble, alike for a seed", () => {
    // Prices without error: runs differ by what is lost alone.
    const sure = { ...base.run, pools: base.run.pools.map((pool) => ({ ...pool, cost: { ...pool.cost, spread: 0 } })) };
    const resent = (seed: number): number[] => [...deploymentRuns(sure, { runs: 3, seed })].map(({ figures }) => figures.resent);
    expect(new Set(resent(1)).size).toBeGreaterThan(1);
    expect(resent(1)).toEqual(resent(1));
    expect(resent(2)).not.toEqual(resent(1));
  });
});

describe("growth of queues", () => {
  const columns = (count: number, more: object = {}): RequestColumns => ({ count, ...more }) as RequestColumns;
  const waits = (wait: (i: number) => number, count = 100) =>
    ({
      scheduledNs: Float64Array.from({ length: count }, (_, i) => wait(i)),
      queuedNs: new Float64Array(count),
      lastTokenNs: Float64Array.from({ length: count }, (_, i) => wait(i) + 10),
    }) as unknown as ServingOutcome;

  it("is seen where waits rise to the end, and only there", () => {
    expect(
      queueGrowth(
        columns(100),
        waits((i) => i),
      ).growing,
    ).toBe(true);
    expect(
      queueGrowth(
        columns(100),
        waits((i) => (i < 50 ? i : 100 - i)),
      ).growing,
    ).toBe(false);
    expect(
      queueGrowth(
        columns(100),
        waits(() => 5),
      ).growing,
    ).toBe(false);
    // Long answers: waiting is too little of them to matter.
    expect(
      queueGrowth(
        columns(100),
        waits((i) => i / 1000),
      ).growing,
    ).toBe(false);
    expect(
      queueGrowth(
        columns(100, { after: new Int32Array(100) }),
        waits((i) => i),
      ).growing,
    ).toBe(false);
  });
});

describe("what a change does", () => {
  const figuresOf = (scale: number) =>
    [...deploymentRuns(runOf(SMALL, LOAD.replace("rate=6", `rate=${scale}`)), { runs: 3, seed: 1 })].map(({ figures }) => figures);

  it("is nothing where nothing changed, run by run", () => {
    const before = figuresOf(6);
    for (const { ratio } of whatIfRows(before, before, undefined)) expect(ratio).toEqual({ value: 1, low: 1, high: 1 });
  });

  it("is told as a ratio on what was measured, with the model's error beside it", () => {
    const before = figuresOf(3);
    const after = figuresOf(9);
    const summary = { mean: 2e9, p50: 2e9, p90: 2e9, p99: 2e9 };
    const measured = {
      clock: "engine" as const,
      requests: 1,
      ttft: summary,
      tpot: summary,
      e2e: summary,
      outputTokensPerSecond: NaN,
      requestsPerSecond: NaN,
    };
    const rows = whatIfRows(before, after, measured);
    const row = rows.find(({ name }) => name === "TTFT p99")!;
    expect(row.error).toBeCloseTo(before[0]!.ttft.p99 / 2e9 - 1, 12);
    expect(row.expected!.value).toBeCloseTo((2e9 * after[0]!.ttft.p99) / before[0]!.ttft.p99, 3);
    expect(rows.find(({ name }) => name === "output tokens/s")!.expected).toBeUndefined();
    expect(rows.some(({ name }) => name === "requests kept the limits")).toBe(false);
  });
});
