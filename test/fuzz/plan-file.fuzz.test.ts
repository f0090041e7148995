// Goal: whatever the text, a plan file is a valid plan or `plan-invalid`, in bounded time. Method: seeded damage to a good file; random trees.
import type { Plan } from "../../src/plan/plan.ts";
import { checkPlan } from "../../src/plan/plan-check.ts";
import { readPlan, writePlan } from "../../src/plan/plan-file.ts";
import { fuzzTextFile } from "./text-file.ts";

const estimate = { valueNs: 10, lowNs: 8, highNs: 12, basis: "measured", source: "table" } as const;
const stage = {
  driver: "ort",
  threads: 1,
  prefillFormat: "int8-row",
  decodeFormat: "int4",
  decodeStep: estimate,
  prefill512: estimate,
  why: "fastest",
} as const;
const plan: Plan = {
  version: 1,
  model: { name: "m", fingerprint: "0123456789abcdef", path: "/m.gguf" },
  rackFingerprint: "fedcba",
  replicas: [
    {
      id: 0,
      stages: [
        { ...stage, fromLayer: 0, toLayer: 20, device: "cpu-0" },
        { ...stage, fromLayer: 20, toLayer: 30, device: "cpu-1" },
      ],
      workingPages: 64,
      sealedSlots: 8,
      pageBytes: 2_949_120,
      maxSequences: 4,
      contextLimit: 1024,
    },
  ],
  policy: { maxChunkTokens: 256, maxStepStretch: 2, queueLimit: 32, kvReuse: "strict", prefixCache: true, hostTimeoutNs: 1e9 },
  predicted: { ttft512: estimate, tpot: estimate, tokensPerSecond8: 100 },
  reasons: ["because"],
};

fuzzTextFile({
  name: "plan file",
  good: plan,
  read: readPlan,
  write: writePlan,
  check: checkPlan,
  code: "plan-invalid",
  where: /./,
  keys: ["version", "model", "replicas", "policy", "predicted", "reasons", "stages"],
  seed: 11,
});
