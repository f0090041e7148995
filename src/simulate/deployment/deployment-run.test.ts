// Goal: figures of a deployment's run are those of their definitions, told apart iteration by iteration, and what cannot be honoured is refused. Method:
// sums over requests against sums over iterations, leaps against single iterations, and small runs worked out by hand.
import { describe, expect, it } from "vitest";
import type { HeddleError } from "../../base/heddle-error.ts";
import type { BatchShape } from "../../cost/iteration/iteration-cost.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { runServing } from "../serving/run-serving.ts";
import type { RequestColumns, ServingOutcome } from "../serving/serving-input.ts";
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
      const onIteration = (replica: number, startNs: number, endNs: number, shape: Readonly<BatchShape>): void =>
        void lines.push([replica, startNs, endNs, ...Object.values(shape)].join(" "));
      runServing(servingInputOf(run, { seed: 1, stepping, onIteration }));
      return lines.sort();
    };
    const unit = told("unit");
    expect(unit.length).toBeGreaterThan(200);
    expect(told("leap")).toEqual(unit);
  });

  it("has gaps that add up to the time between first and last tokens", () => {
    const watch = iterationWatch(run.pools, [1]);
    const outcome = runServing(servingInputOf(run, { seed: 1, onIteration: watch.listener }));
    const { outputTokens, count } = run.requests;
    let spans = 0;
    let gaps = 0;
    for (let i = 0; i < count; i++) {
      spans += outcome.lastTokenNs[i]! - outcome.firstTokenNs[i]!;
      gaps += outputTokens[i]! - 1;
    }
    expect(outcome.preemptions).toBe(0);
    expect(watch.gaps().mean / (spans / gaps)).toBeCloseTo(1, 9);
    expect(watch.gaps().p50).toBeLessThan(watch.gaps().p99);
    const busy = outcome.busyNs.reduce((sum, ns) => sum + ns, 0) / 1e9;
    // Between the power of decoding and that of prompts: shares of board power that the iteration cost states.
    expect(watch.joules()).toBeGreaterThan(0.3 * 350 * busy);
    expect(watch.joules()).toBeLessThan(350 * busy);
  });

  it("has a first run without error and others on both sides of it, alike for a seed", () => {
    const runs = [...deploymentRuns(run, { runs: 9, seed: 3 })].map(({ figures }) => figures);
    const exact = [...deploymentRuns(run, { runs: 1, seed: 8 })][0]!.figures;
    expect(runs[0]!.tpot).toEqual(exact.tpot);
    const slower = runs.filter((one) => one.tpot.mean > exact.tpot.mean).length;
    expect(slower).toBe(4);
    expect([...deploymentRuns(run, { runs: 9, seed: 3 })].map(({ figures }) => figures)).toEqual(runs);
    const { tpot } = deploymentFigures(runs);
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
    ["a start-up time, as no replica of a deployment starts", "startUpNs: 5", "startUpNs"],
    ["a format of experts that the model does not have", "precision: { experts: f8e4m3 }", "precision.experts"],
  ])("are refused: %s", (_what, field, named) => {
    const { deployment } = readDeployment(SMALL.replace("replicas: 2", field));
    const parts = { architecture: knownArchitecture("Llama-3.1-8B")!, sheet: deviceSheet("l40s") };
    const priced = pricePool(deployment.pools[0]!, 0, parts);
    expect(priced).toMatchObject({ ok: false, error: { code: "no-basis", missing: expect.stringContaining(named) } });
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
    const rows = whatIfRows(before, after, { figures: measured, frontNs: 0 });
    const client = whatIfRows(before, after, { figures: measured, frontNs: 1e7 });
    const row = rows.find(({ name }) => name === "TTFT p99")!;
    expect(row.error).toBeCloseTo(before[0]!.ttft.p99 / 2e9 - 1, 12);
    expect(row.expected!.value).toBeCloseTo((2e9 * after[0]!.ttft.p99) / before[0]!.ttft.p99, 3);
    // A front end is in a client's TTFT, not in its TPOT.
    expect(client.find(({ name }) => name === "TTFT p99")!.before.value).toBeCloseTo(row.before.value + 1e7, 3);
    expect(client.find(({ name }) => name === "TPOT p99")).toEqual(rows.find(({ name }) => name === "TPOT p99"));
    expect(rows.find(({ name }) => name === "output tokens/s")!.expected).toBeUndefined();
    expect(rows.some(({ name }) => name === "requests kept the limits")).toBe(false);
  });
});
