// Goal: a deployment that reads images runs end to end, encoders in its engines and apart, with their memory and energy counted. Method: published models on real
// devices against figures by hand, leaps against single iterations, changes of one field, and what cannot be refused by name.
import { describe, expect, it } from "vitest";
import { iterationFaultText } from "../../cost/iteration/iteration-fault.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { parseChange } from "../../plan/deployment/change.ts";
import { changeDeployment } from "../../plan/deployment/change-deployment.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { runServing } from "../serving/run-serving.ts";
import { withImageTokens } from "../workload/columns/image-columns.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { deploymentRuns } from "./deployment-ensemble.ts";
import { type DeploymentRun, servingInputOf } from "./deployment-run.ts";
import { encodesElsewhere } from "./pool-encoder.ts";
import { pricePool } from "./price-pool.ts";

const TOGETHER = "version: 1\nmodel: Qwen3-VL-8B\npools:\n  - { name: a, device: h100-sxm, replicas: 2, encoder: {} }\n";
const APART = `version: 1\nmodel: Qwen3-VL-8B\nkvTransfer: { bandwidthBytesPerSecond: 1.25e+10, latencyNs: 50000 }\npools:
  - { name: a, role: encode, device: l40s }
  - { name: b, device: h100-sxm, replicas: 2 }\n`;
const SPLIT = `version: 1\nmodel: Qwen3-VL-8B\nkvTransfer: { bandwidthBytesPerSecond: 1.25e+10, latencyNs: 50000 }\npools:
  - { name: a, role: encode, device: l40s }
  - { name: b, role: prefill, device: h100-sxm }
  - { name: c, role: decode, device: h100-sxm }\n`;
const LOAD = "poisson:rate=8,prompt=100-400,output=20-80,seconds=6,seed=2,images=0-3,sizes=640x640:1280x720,distinct=40";

function runOf(text: string, ...changes: readonly string[]): DeploymentRun {
  const { deployment } = changeDeployment(readDeployment(text).deployment, changes.map(parseChange));
  const architecture = knownArchitecture(deployment.model)!;
  const pools = deployment.pools.map((pool, i) => {
    const parts = { architecture, sheet: deviceSheet(pool.device), imagesApart: encodesElsewhere(pool, deployment) };
    const priced = pricePool(pool, i, parts);
    if (!priced.ok) throw new TypeError(`${priced.error.code} ${iterationFaultText(priced.error)}`);
    return priced.value;
  });
  return { deployment, architecture, pools, requests: withImageTokens(generateColumns(LOAD), architecture) };
}

describe("a deployment that reads images", () => {
  it.each([
    ["in its engines", TOGETHER],
    ["on a pool of their own", APART],
    ["on a pool of their own beside prefill and decode", SPLIT],
  ])("encodes them %s, and decides the same leaping and one by one", (_where, text) => {
    const run = runOf(text);
    const [leap, unit] = (["leap", "unit"] as const).map((stepping) => runServing(servingInputOf(run, { seed: 1, stepping })));
    expect(unit!.hash).toBe(leap!.hash);
    expect(leap!.lastTokenNs.every((ns) => ns > 0)).toBe(true);
    const { encoded, found } = leap!.images!;
    expect(encoded + found).toBe(run.requests.images!.content.length);
    expect(found).toBeGreaterThan(0);
    expect(encoded).toBeLessThanOrEqual(text === TOGETHER ? 80 : 40);
  });

  it("leaves less KV: weights of the encoder, activations of a batch, what is kept", () => {
    const [plain, reading, told] = [runOf(TOGETHER, "pools.a.encoder=null"), runOf(TOGETHER), runOf(APART)].map(
      ({ pools }) => pools.at(-1)!.budget,
    );
    expect(plain!.encoderBytes).toBe(0);
    expect(plain!.kvBytes - reading!.kvBytes).toBeCloseTo(reading!.encoderBytes, -1);
    // 16,384 tokens of 4 x 4,096 elements in 16 bits.
    const kept = 16_384 * 4 * 4096 * 2;
    expect(told!.encoderBytes).toBe(kept);
    const weights = 2 * 5.7e8;
    expect(reading!.encoderBytes).toBeGreaterThan(kept + weights);
    expect(reading!.encoderBytes).toBeLessThan(kept + weights + 2e9);
  });

  it("is paid for and powered on both pools, and takes time that text alone does not", () => {
    const figures = (text: string, ...changes: readonly string[]) =>
      [...deploymentRuns(runOf(text, ...changes), { runs: 1, seed: 1 })][0]!.figures;
    const [together, apart, more] = [figures(TOGETHER), figures(APART), figures(APART, "pools.a.replicas=3")];
    expect(apart.busy[0]).toBeGreaterThan(0.02);
    expect(more.busy[0]).toBeLessThan(apart.busy[0]!);
    expect(more.dollarsPerMillionTokens).toBeGreaterThan(apart.dollarsPerMillionTokens);
    expect(apart.itl.p99).toBeLessThan(together.itl.p99);
    expect(together.images!.tokensEach).toBeGreaterThan(400);
    const text = runOf(TOGETHER);
    const { images: _none, ...without } = text.requests;
    const [silent] = [...deploymentRuns({ ...text, requests: without }, { runs: 1, seed: 1 })];
    expect(silent!.figures.ttft.mean).toBeLessThan(together.ttft.mean);
    expect(silent!.figures.joulesPerOutputToken).toBeLessThan(together.joulesPerOutputToken);
  });

  it.each([
    ["pools.a.encoder=null", TOGETHER, "encodes none"],
    ["pools.a.encoder.cacheTokens=100", TOGETHER, "up to 16384 tokens"],
    ["model=Llama-3.1-8B", TOGETHER, "no encoder"],
    ["pools.a.parallel.tensor=32", APART, "do not divide"],
    ["pools.a.engine.memoryFraction=0.05", APART, "encoder, and what it keeps"],
  ])("is refused by name: %s", (change, text, words) => {
    expect(() => runServing(servingInputOf(runOf(text, change), { seed: 1 }))).toThrow(words);
  });
});
