// What is written for other systems holds against the options and schemas those declare; faults that are planted in it are found; what a target cannot
// express is an error that names the field.
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { EMIT_OPTIONS, emitted as emittedFor, missing } from "../../../test/support/emitted.ts";
import { sampleDeployment, samplePool, splitDeployment } from "../../../test/support/sample-deployment.ts";
import type { Deployment, Pool } from "../deployment/deployment.ts";
import { checkEmitted } from "./check-emitted.ts";
import { EMIT_TARGETS, type EmitOptions, type EmitTarget, type Emitted } from "./emit-types.ts";

const OPTIONS: EmitOptions = { ...EMIT_OPTIONS, checkpoint: { weights: "f8e4m3", experts: "f8e4m3" } };

const emitted = (target: EmitTarget, deployment: Deployment, options = OPTIONS): Emitted => emittedFor(target, deployment, options);

const missingFields = (target: EmitTarget, deployment: Deployment, options = OPTIONS): string[] =>
  missing(target, deployment, options).map(({ field }) => field);

function engineFor(target: EmitTarget): "vllm" | "sglang" | "trtllm" {
  return target === "sglang" || target === "trtllm" ? target : "vllm";
}

function withEngine(target: EmitTarget, deployment: Deployment): Deployment {
  const name = engineFor(target);
  return { ...deployment, pools: deployment.pools.map((pool) => ({ ...pool, engine: { ...pool.engine, name } })) };
}

const SINGLE = sampleDeployment({ pools: [samplePool({ replicas: 1 })] });

describe("what is written", () => {
  it.each(EMIT_TARGETS)("holds against the options and schemas of %s: one replica, many, split roles", (target) => {
    const many = sampleDeployment({ routing: target === "llm-d" || target === "dynamo" ? "prefix-aware" : "least-loaded" });
    const cases = [SINGLE, ...(target === "trtllm" ? [] : [many]), splitDeployment(engineFor(target))];
    for (const deployment of cases) {
      const check = checkEmitted(emitted(target, withEngine(target, deployment)));
      expect(check.faults).toEqual([]);
      expect(check.against.length).toBeGreaterThan(0);
    }
  });

  it.each(EMIT_TARGETS)("says of %s that a name without a publisher is loaded as it is", (target) => {
    const own = withEngine(target, SINGLE);
    const about = (of: Deployment, options = OPTIONS) => emitted(target, of, options).notes.filter((note) => note.includes("--checkpoint"));
    expect(about({ ...own, model: "DeepSeek-V3" })).toEqual([expect.stringContaining("model: DeepSeek-V3 is what is loaded")]);
    expect(about({ ...own, model: "deepseek-ai/DeepSeek-V3" })).toEqual([]);
    expect(about({ ...own, model: "DeepSeek-V3" }, { ...OPTIONS, checkpoint: { ...OPTIONS.checkpoint, name: "/models/v3" } })).toEqual([]);
  });

  it.each(["sglang", "trtllm"] as const)("holds for dynamo and kubernetes with %s", (name) => {
    const single = { ...SINGLE, pools: SINGLE.pools.map((pool) => ({ ...pool, engine: { ...pool.engine, name } })) };
    for (const target of ["dynamo", "kubernetes"] as const) expect(checkEmitted(emitted(target, single)).faults).toEqual([]);
    expect(checkEmitted(emitted("dynamo", splitDeployment(name))).faults).toEqual([]);
  });

  it.each(["vllm", "sglang", "kubernetes", "dynamo"] as const)("holds for replicas over two machines on %s", (target) => {
    const wide = samplePool({ parallel: { tensor: 1, pipeline: 1, data: 16, expert: 16, context: 1 } });
    const out = emitted(target, withEngine(target, sampleDeployment({ pools: [wide] })));
    expect(checkEmitted(out).faults).toEqual([]);
    if (target === "kubernetes") expect(out.objects.filter(({ kind }) => kind === "StatefulSet")).toHaveLength(2);
  });

  it("gives sizes and limits the engine's words", () => {
    const { commands } = emitted("vllm", splitDeployment("vllm"));
    const decode = commands.find(({ pool }) => pool === "decode")!.args.join(" ");
    expect(decode).toContain("--data-parallel-size 8 --enable-expert-parallel --kv-cache-dtype bfloat16 --max-num-batched-tokens 8192");
    const sglang = emitted("sglang", splitDeployment("sglang"))
      .commands.find(({ pool }) => pool === "decode")!
      .args.join(" ");
    // SGLang counts all ranks as tensor parallel and divides these two by the ranks of attention.
    expect(sglang).toContain("--tp-size 8 --attn-dp-size 8 --ep-size 8");
    expect(sglang).toContain("--chunked-prefill-size 65536");
    expect(sglang).toContain("--max-running-requests 2048");
  });

  it("says how prompts are held back in the words of the engine that does", () => {
    const held = (target: EmitTarget, holds: object, changes: Partial<Pool> = {}): Deployment =>
      sampleDeployment({
        pools: [samplePool({ replicas: 1, ...changes, engine: { ...samplePool().engine, name: engineFor(target), ...holds } })],
      });
    const polled = emitted("sglang", held("sglang", { schedulerRecvInterval: 30 }));
    expect(polled.commands[0]!.args.join(" ")).toContain("--scheduler-recv-interval 30");
    expect(checkEmitted(polled).faults).toEqual([]);
    const yaml = (holds: object, changes?: Partial<Pool>): object =>
      parse(emitted("trtllm", held("trtllm", holds, changes)).files.find(({ name }) => name.endsWith(".yaml"))!.text) as object;
    expect(yaml({ batchWaitTimeoutIters: 20, batchWaitMaxTokensRatio: 0.9 })).toMatchObject({
      batch_wait_timeout_iters: 20,
      batch_wait_max_tokens_ratio: 0.9,
    });
    const ranks = { parallel: { tensor: 1, pipeline: 1, data: 8, expert: 8, context: 1 } };
    expect(yaml({ attentionDpBalance: { timeoutIters: 60, batchingWaitIters: 0 } }, ranks)).toMatchObject({
      enable_attention_dp: true,
      attention_dp_config: { enable_balance: true, timeout_iters: 60, batching_wait_iters: 0 },
    });
    expect(Object.keys(yaml({}))).not.toEqual(expect.arrayContaining([expect.stringMatching(/batch_wait|attention_dp_config/)]));
  });

  it("names adapters of latent attention as checkpoints do, and leaves names out where all seven others are there", () => {
    const adapted = (target: "vllm" | "sglang", modules: NonNullable<Pool["lora"]>["modules"]): string => {
      const lora = { maxLoras: 4, maxRank: 16, cpuLoras: 8, modules, format: "bf16", fullySharded: false, overlapLoading: false } as const;
      const pools = [samplePool({ replicas: 1, lora, engine: { ...samplePool().engine, name: target } })];
      const out = emitted(target, sampleDeployment({ pools }));
      expect(checkEmitted(out).faults).toEqual([]);
      return out.commands[0]!.args.join(" ");
    };
    for (const target of ["vllm", "sglang"] as const)
      expect(adapted(target, ["q_a", "kv_a", "q_b", "o"])).toContain("--lora-target-modules q_a_proj kv_a_proj_with_mqa q_b_proj o_proj");
    expect(adapted("vllm", ["q", "k", "v", "o", "gate", "up", "down"])).not.toContain("--lora-target-modules");
    expect(adapted("vllm", ["q_a", "kv_a", "q_b", "o", "gate", "up", "down"])).toContain("--lora-target-modules q_a_proj");
  });

  it("tells split replicas of vLLM where others reach them", () => {
    for (const target of ["kubernetes", "dynamo", "llm-d"] as const) {
      const split = { ...splitDeployment("vllm"), routing: "random" as const };
      const text = emitted(target, split)
        .files.map((file) => file.text)
        .join();
      expect(text.match(/VLLM_NIXL_SIDE_CHANNEL_HOST\n\s+valueFrom:\n\s+fieldRef:\n\s+fieldPath: status.podIP/g)).toHaveLength(2);
    }
    const script = emitted("vllm", splitDeployment("vllm")).files[0]!.text;
    expect(script).toMatch(/^export VLLM_NIXL_SIDE_CHANNEL_HOST="\$\{OWN_ADDRESS:\?\}"$/m);
    expect(emitted("vllm", SINGLE).files[0]!.text).not.toContain("export");
  });

  it("is YAML that reads back, and a script with quotes that hold", () => {
    const file = emitted("kubernetes", splitDeployment("vllm")).files[0]!;
    const kinds = parseAllDocuments(file.text).map((document) => (document.toJS() as { kind: string }).kind);
    expect(kinds).toEqual([
      "Deployment",
      "Service",
      "Deployment",
      "Service",
      "ServiceAccount",
      "Role",
      "RoleBinding",
      "Deployment",
      "Service",
    ]);
    expect(file.text).not.toMatch(/[&*]a\d/);
    const script = emitted("vllm", splitDeployment("vllm")).files.find(({ name }) => name === "vllm-decode.sh")!.text;
    expect(script).toContain(`--kv-transfer-config '{"kv_connector":"NixlConnector","kv_role":"kv_both"}'`);
    const config = parse(emitted("trtllm", withEngine("trtllm", SINGLE)).files[1]!.text) as { kv_cache_config: object };
    expect(config.kv_cache_config).toMatchObject({ max_tokens: 256_000, tokens_per_block: 64, enable_block_reuse: true });
  });
});

describe("planted faults", () => {
  const good = emitted("vllm", SINGLE);
  const planted = (args: readonly string[]): Emitted => ({
    ...good,
    commands: [{ ...good.commands[0]!, args: [...good.commands[0]!.args, ...args] }],
  });

  it.each([
    ["an option that is not there", ["--max-num-sequences", "4"], "no such option"],
    ["a word for a number", ["--max-num-seqs", "many"], "takes a whole number"],
    ["a value outside the choices", ["--kv-offloading-backend", "disk"], "takes native, lmcache"],
    ["a missing value", ["--max-model-len"], "needs a value"],
    ["a value for a switch", ["--enable-expert-parallel", "8"], "takes no value"],
    ["broken JSON", ["--kv-transfer-config", "{kv_role}"], "takes a JSON document"],
    ["a negation of an option without one", ["--no-max-num-seqs"], "no such option"],
  ])("%s is found", (_name, args, detail) => {
    const { faults } = checkEmitted(planted(args));
    expect(faults).toHaveLength(1);
    expect(faults[0]!.detail).toContain(detail);
  });

  it.each([
    ["a text for a number", (spec: Record<string, unknown>) => ({ ...spec, replicas: "2" }), "spec.replicas"],
    ["a field that is not there", (spec: Record<string, unknown>) => ({ ...spec, replica: 2 }), "spec.replica"],
    ["a missing field", ({ selector: _selector, ...spec }: Record<string, unknown>) => spec, "spec.selector"],
  ])("%s in a manifest is found", (_name, change, path) => {
    const out = emitted("kubernetes", SINGLE);
    const objects = out.objects.map((object) =>
      object.kind === "Deployment" ? { ...object, spec: change(object["spec"] as Record<string, unknown>) } : object,
    );
    expect(checkEmitted({ ...out, objects }).faults.map(({ where }) => where)).toEqual([`Deployment main, ${path}`]);
  });

  it.each(["dynamo", "llm-d"] as const)("a wrong field of %s is found", (target) => {
    const out = emitted(target, { ...SINGLE, routing: "random" });
    const text = JSON.stringify(out.objects).replace('"replicas":1', '"replicas":"one"');
    expect(checkEmitted({ ...out, objects: JSON.parse(text) as Emitted["objects"] }).faults).toHaveLength(1);
  });
});

describe("what cannot be expressed is an error", () => {
  const pool = (changes: Partial<ReturnType<typeof samplePool>>): Deployment =>
    sampleDeployment({ pools: [samplePool({ replicas: 1, ...changes })] });

  it.each([
    ["roles of no engine", "vllm", pool({ role: "attention" }), "role"],
    ["experts over some ranks", "vllm", pool({ parallel: { tensor: 8, pipeline: 1, data: 1, expert: 4, context: 1 } }), "parallel.expert"],
    ["weights of another type", "vllm", pool({ precision: { weights: "f4e2m1", kv: "bf16" } }), "precision.weights"],
    ["experts of another type", "sglang", pool({ precision: { weights: "f8e4m3", experts: "f4e2m1", kv: "bf16" } }), "precision.experts"],
    ["a cache of another type", "sglang", pool({ precision: { weights: "f8e4m3", kv: "i4" } }), "precision.kv"],
    ["another engine's settings", "sglang", SINGLE, "engine.name"],
    ["heddle's own engine", "kubernetes", pool({ engine: { ...samplePool().engine, name: "heddle" } }), "engine.name"],
    ["draft tokens made somehow", "vllm", pool({ speculation: { draftTokens: 1, acceptance: 0.8, draftCost: 0.1 } }), "speculation"],
    ["a policy of heddle's", "vllm", sampleDeployment({ routing: "priced" }), "routing"],
    ["a share of another memory", "trtllm", withEngine("trtllm", pool({ engine: noBlocks() })), "engine.memoryFraction"],
    [
      "layerwise transfer",
      "vllm",
      { ...splitDeployment("vllm"), kvTransfer: { bandwidthBytesPerSecond: 1, latencyNs: 1, layerwise: true } },
      "kvTransfer.layerwise",
    ],
    ["no transfer at all", "vllm", withoutTransfer(), "kvTransfer"],
    [
      "a queue polled now and then",
      "vllm",
      pool({ engine: { ...samplePool().engine, schedulerRecvInterval: 10 } }),
      "engine.schedulerRecvInterval",
    ],
    ["two decode pools", "llm-d", sampleDeployment({ pools: [samplePool(), samplePool({ name: "other" })], routing: "random" }), "pools"],
  ] as const)("%s (%s)", (_name, target, deployment, field) => {
    expect(missingFields(target, deployment)).toContain(field);
  });

  it("names what a launch needs and nobody said", () => {
    expect(missingFields("vllm", SINGLE, {})).toEqual(["device"]);
    expect(missingFields("kubernetes", sampleDeployment(), { devicesPerNode: 8 })).toEqual(["device", "routing"]);
  });

  function noBlocks(): ReturnType<typeof samplePool>["engine"] {
    const { kvBlocks: _blocks, ...engine } = samplePool().engine;
    return engine;
  }

  function withoutTransfer(): Deployment {
    const { kvTransfer: _transfer, ...deployment } = splitDeployment("vllm");
    return deployment;
  }
});
