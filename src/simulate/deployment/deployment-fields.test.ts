// Goal: no field of a deployment is ignored. Method: every field of the schema, in a pool of each role, is changed: the run or its figures must change, or the
// change must be refused by name. Fields of which neither holds stand in a list with their reason.
import { describe, expect, it } from "vitest";
import { deploymentFields } from "../../../test/support/deployment-fields.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { ExplainedCost } from "../../cost/iteration/iteration-cost-of.ts";
import { iterationFaultText } from "../../cost/iteration/iteration-fault.ts";
import { knownArchitecture } from "../../graph/architecture/known/known-architecture.ts";
import { parseChange } from "../../plan/deployment/change.ts";
import { changeDeployment } from "../../plan/deployment/change-deployment.ts";
import type { Deployment } from "../../plan/deployment/deployment.ts";
import { readDeployment } from "../../plan/deployment/deployment-file.ts";
import { deviceSheet } from "../../rack/catalog/catalog.ts";
import { withImageTokens } from "../workload/columns/image-columns.ts";
import { drawAdapters } from "../workload/generate/adapter-draw.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { drawImages } from "../workload/generate/image-draw.ts";
import { deploymentRuns } from "./deployment-ensemble.ts";
import { iterationsCost, pricePool } from "./price-pool.ts";

type Role = "both" | "prefill" | "decode";

const ENGINE = "engine: { kvBlocks: 60, maxBatchedTokens: 600, maxSequences: 8 }";
const BOTH = `version: 1\nmodel: Qwen3-30B-A3B\npools:\n  - { name: a, device: h200-sxm, replicas: 2, ${ENGINE} }\n`;
const SPLIT = `version: 1\nmodel: Qwen3-30B-A3B\nkvTransfer: { bandwidthBytesPerSecond: 2.0e+9, latencyNs: 100000 }\npools:
  - { name: b, role: prefill, device: h200-sxm, replicas: 2, ${ENGINE} }
  - { name: a, role: decode, device: h200-sxm, replicas: 2, ${ENGINE} }\n`;
/** Prompts that share most of their text, more of them than there is room for. */
const LOAD = generateColumns("sessions:rate=6,turns=3,think=1,system=2x128,prompt=40-200,output=10-30,seconds=4,seed=2");

/** The same with adapters, for pools that serve some. */
const ADAPTED = drawAdapters(LOAD, { count: 6, exponent: 0.5, ranks: [8, 16], plain: 0.2, seed: 1 });

/** The same with images, for pools that encode them. */
const SEEN = drawImages(LOAD, {
  least: 0,
  most: 3,
  sizes: [
    { width: 640, height: 640 },
    { width: 1280, height: 720 },
  ],
  distinct: 12,
  seed: 1,
});

const base = (role: Role): Deployment => {
  const { deployment } = readDeployment(
    role === "both"
      ? BOTH
      : role === "decode"
        ? SPLIT
        : SPLIT.replace("name: b", "name: x").replace("name: a", "name: b").replace("name: x", "name: a"),
  );
  return deployment;
};

const known = new Map<string, ExplainedCost>();

const before = new Map<string, string>();

function toldOnce(role: Role, changes: readonly string[]): string {
  const key = [role, ...changes].join(" ");
  if (!before.has(key)) before.set(key, told(role, changes));
  return before.get(key)!;
}

/** All that a run tells, or the code and the words of what refuses it. */
function told(role: Role, changes: readonly string[]): string {
  try {
    // Adapters are served by all pools of a fleet or by none.
    const beside = changes
      .filter((change) => role !== "both" && change.startsWith("pools.a.lora="))
      .map((change) => change.replace(".a.", ".b."));
    const { deployment } = changeDeployment(base(role), [...changes, ...beside].map(parseChange));
    const architecture = knownArchitecture(deployment.model)!;
    const seen = deployment.pools.some(({ encoder }) => encoder !== undefined) ? withImageTokens(SEEN, architecture) : LOAD;
    const requests = deployment.pools.some(({ lora }) => lora !== undefined) ? ADAPTED : seen;
    const pools = deployment.pools.map((pool, i) => {
      const sheet = deviceSheet(pool.device);
      const { device, parallel, precision, speculation, engine, lora, encoder } = pool;
      const ffn = pool.ffn && { sheet: deviceSheet(pool.ffn.device) };
      const parts = { architecture, sheet, ...(ffn && { ffn }) };
      const key = JSON.stringify([
        deployment.model,
        device,
        parallel,
        precision,
        speculation,
        engine.name,
        lora,
        pool.ffn,
        encoder?.parallel,
      ]);
      if (!known.has(key)) {
        const made = iterationsCost(pool, parts);
        if (!made.ok) throw new Refused(`${made.error.code} ${iterationFaultText(made.error)}`);
        known.set(key, made.value);
      }
      const priced = pricePool(pool, i, { ...parts, cost: known.get(key)! });
      if (!priced.ok) throw new Refused(`${priced.error.code} ${iterationFaultText(priced.error)}`);
      return priced.value;
    });
    const [one] = [...deploymentRuns({ deployment, architecture, pools, requests }, { runs: 1, seed: 1 })];
    return JSON.stringify([one!.outcome.hash, one!.figures]);
  } catch (thrown) {
    if (thrown instanceof Refused) return `refused: ${thrown.message}`;
    if (thrown instanceof HeddleError) return `refused: ${thrown.code} ${thrown.message}`;
    throw thrown;
  }
}

class Refused extends TypeError {}

/** `changes`: the run is another; words: of the refusal. With what must be so before it is changed. */
interface Expected {
  readonly to: string;
  readonly given?: readonly string[];
  readonly both: string;
  readonly prefill?: string;
  readonly decode?: string;
}

const CHANGES = "changes";
const every = (to: string, given: readonly string[] = [], what = CHANGES): Expected => ({
  to,
  given,
  both: what,
  prefill: what,
  decode: what,
});
const SCALING = `{"least":1,"everyNs":1e7,"orderAbove":2,"drainBelow":1}`;
const scaling = (to: string, given: readonly string[] = []): Expected => ({
  to,
  given: [`pools.a.scaling=${SCALING}`, ...given],
  both: CHANGES,
  prefill: CHANGES,
  decode: CHANGES,
});
const outages = (to: string): Expected => ({
  to,
  // Many hosts, and slow answers, so that some are lost with requests within the seconds of the load.
  given: ["pools.a.replicas=40", "pools.a.engine.overheadNs=2e9", `pools.a.outages={"meanUpNs":6e10,"repairNs":1e9,"resubmitNs":0}`],
  both: CHANGES,
  prefill: CHANGES,
  decode: CHANGES,
});

const OUTSIDE = [`pools.a.offload={"bytes":1e9,"bandwidthBytesPerSecond":1e9}`];
const LORA = [`pools.a.lora={"maxLoras":2,"maxRank":16,"cpuLoras":3,"modules":["q","k","v","o"]}`];

/** Settings of an engine that hold prompts back: refused where a pool has prompts or decodes alone. */
const holds = (to: string, engine: string, given: readonly string[] = []): Expected =>
  every(to, [`pools.a.engine.name=${engine}`, ...given], "holds prompts back");
const GATHER = ["pools.a.engine.batchWaitTimeoutIters=40", "pools.a.engine.batchWaitMaxTokensRatio=0.9"];
// Slow, so that several prompts wait beside decodes of both ranks.
const BALANCE = [
  "pools.a.parallel.data=2",
  "pools.a.replicas=1",
  "pools.a.engine.overheadNs=2e8",
  `pools.a.engine.attentionDpBalance={"timeoutIters":50,"batchingWaitIters":0}`,
];

/** Feed-forwards on devices of their own: where sequences decode. */
const ffn = (to: string): Expected => ({
  ...every(to, [
    `pools.a.ffn={"device":"l40s","parallel":{"tensor":2,"expert":8},"microBatches":2,"link":{"bandwidthBytesPerSecond":1e10,"latencyNs":20000}}`,
    "pools.a.engine.name=heddle",
  ]),
  prefill: "ffn",
});

/** Images of a model that reads any: with more KV, as they have tokens by the hundred, in pools that compute prompts. */
const encoder = (to: string, given: readonly string[] = []): Expected => ({
  ...every(to, ["model=Qwen3-VL-8B", ...given]),
  decode: "encoder",
});
const ENCODER = [`pools.a.encoder={"parallel":"weights","batchTokens":16384,"cacheTokens":16384}`];

const FIELDS: Readonly<Record<string, Expected>> = {
  version: every("2", [], "version"),
  model: every("Llama-3.1-8B"),
  routing: every("prefix-aware"),
  "kvTransfer.bandwidthBytesPerSecond": { to: "1e9", both: "kvTransfer", prefill: CHANGES, decode: CHANGES },
  "kvTransfer.latencyNs": { to: "2e6", both: "kvTransfer", prefill: CHANGES, decode: CHANGES },
  "kvTransfer.layerwise": { to: "true", both: "kvTransfer", prefill: CHANGES, decode: CHANGES },
  "pools.device": every("b200-sxm"),
  "pools.role": every("ffn", [], "role"),
  "pools.replicas": every("1"),
  "pools.parallel.tensor": every("2"),
  "pools.parallel.pipeline": every("2"),
  "pools.parallel.data": every("2"),
  // Without what engines add: launches of eager layers can hide how experts are cut.
  "pools.parallel.expert": every("2", ["pools.a.parallel.tensor=2", "pools.a.engine.name=heddle"]),
  "pools.parallel.context": every("2"),
  "pools.precision.weights": every("f8e4m3"),
  "pools.precision.experts": every("f8e4m3"),
  "pools.precision.kv": every("f8e4m3"),
  "pools.engine.name": every("sglang"),
  "pools.engine.maxBatchedTokens": every("3", ["pools.a.replicas=1"]),
  "pools.engine.maxSequences": every("1", ["pools.a.replicas=1"]),
  "pools.engine.blockTokens": { ...every("32"), prefill: "blockTokens", decode: "blockTokens" },
  "pools.engine.kvBlocks": every("40"),
  "pools.engine.memoryFraction": every("0.49", ["pools.a.engine.kvBlocks=null"]),
  "pools.engine.maxModelTokens": every("300", [], "maxModelTokens"),
  "pools.engine.prefixCaching": every("false"),
  "pools.engine.chunkedPrefill": every("false", ["pools.a.engine.maxBatchedTokens=200"]),
  "pools.engine.overheadNs": every("1e6"),
  "pools.engine.schedulerRecvInterval": { ...holds("40", "sglang"), both: CHANGES },
  "pools.engine.batchWaitTimeoutIters": { ...holds("3", "trtllm", GATHER), both: CHANGES },
  "pools.engine.batchWaitMaxTokensRatio": { ...holds("0.05", "trtllm", GATHER), both: CHANGES },
  "pools.engine.attentionDpBalance.timeoutIters": { ...holds("3", "trtllm", BALANCE), both: CHANGES },
  "pools.engine.attentionDpBalance.batchingWaitIters": { ...holds("30", "trtllm", BALANCE), both: CHANGES },
  "pools.speculation.draftTokens": {
    ...every("3", [`pools.a.speculation={"draftTokens":1,"acceptance":0.7,"draftCost":0.1}`]),
    prefill: "speculation",
  },
  "pools.speculation.acceptance": {
    ...every("0.9", [`pools.a.speculation={"draftTokens":1,"acceptance":0.7,"draftCost":0.1}`]),
    prefill: "speculation",
  },
  "pools.speculation.draftCost": {
    ...every("0.2", [`pools.a.speculation={"draftTokens":1,"acceptance":0.7,"draftCost":0.1}`]),
    prefill: "speculation",
  },
  "pools.lora.maxLoras": every("3", LORA),
  "pools.lora.maxRank": every("64", LORA),
  "pools.lora.cpuLoras": every("6", LORA),
  "pools.lora.modules": every(`["q","v"]`, LORA),
  "pools.lora.format": every("f32", LORA),
  "pools.lora.fullySharded": every("true", [...LORA, "pools.a.parallel.tensor=2"]),
  "pools.lora.overlapLoading": every("true", ["pools.a.engine.name=sglang", ...LORA]),
  "pools.lora.hostBytesPerSecond": every("1e9", LORA),
  "pools.lora.diskBytesPerSecond": every("1e8", LORA),
  "pools.offload.bytes": { ...every("1e7", OUTSIDE), decode: "offload" },
  "pools.offload.bandwidthBytesPerSecond": { ...every("1e8", OUTSIDE), decode: "offload" },
  "pools.startUpNs": scaling("3e9"),
  "pools.scaling.least": scaling("2"),
  "pools.scaling.initial": scaling("2"),
  "pools.scaling.everyNs": scaling("3e8"),
  "pools.scaling.orderAbove": scaling("5"),
  "pools.scaling.drainBelow": scaling("0.1"),
  "pools.outages.meanUpNs": outages("7e10"),
  "pools.outages.repairNs": outages("2e9"),
  "pools.outages.resubmitNs": outages("1e9"),
  "pools.encoder.parallel": encoder("data", [...ENCODER, "pools.a.engine.kvBlocks=2000", "pools.a.parallel.tensor=2"]),
  "pools.encoder.batchTokens": encoder("20000", [...ENCODER, "pools.a.engine.kvBlocks=null", "pools.a.engine.memoryFraction=0.3"]),
  "pools.encoder.cacheTokens": encoder("40000", [...ENCODER, "pools.a.engine.kvBlocks=null", "pools.a.engine.memoryFraction=0.3"]),
  "pools.ffn.device": ffn("h100-sxm"),
  "pools.ffn.parallel.tensor": ffn("1"),
  "pools.ffn.parallel.expert": ffn("16"),
  "pools.ffn.microBatches": ffn("3"),
  "pools.ffn.link.bandwidthBytesPerSecond": ffn("1e8"),
  "pools.ffn.link.latencyNs": ffn("1e6"),
};

/** Fields that change no run, with the reason. */
const LABELS: Readonly<Record<string, string>> = {
  "pools.name": "a name of the pool, for reports and commands",
  fabric: "the path of a file, which commands read before they price pools (fabric-network.test.ts)",
};

describe("fields of a deployment", () => {
  it("are all here", () => {
    expect([...Object.keys(FIELDS), ...Object.keys(LABELS)].sort()).toEqual(deploymentFields().sort());
  });

  for (const role of ["both", "prefill", "decode"] as const) {
    it.each(Object.entries(FIELDS))(
      `change a run or are refused by name, in a pool of role ${role}: %s`,
      (field, { to, given = [], ...expected }) => {
        const what = expected[role]!;
        const path = field.replace(/^pools\./, "pools.a.");
        const without = toldOnce(role, given);
        const after = told(role, [...given.filter((change) => !change.startsWith(`${path}=`)), `${path}=${to}`]);
        if (what === CHANGES) {
          expect(without).not.toContain("refused");
          expect(after).not.toContain("refused");
          expect(after).not.toBe(without);
        } else {
          expect(after).toMatch(/^refused/);
          expect(after).toContain(what);
        }
      },
    );
  }

  it("that are labels change nothing", () => {
    expect(told("both", ["pools.a.name=other"])).toBe(told("both", []));
  });
});
