// Encoders apart are written for every target that has words for them: what both sides are told, what stands before them, and what is refused by name. What is
// written holds against option lists and schemas; faults that are planted in it are found.
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { EMIT_OPTIONS, emitted, missing } from "../../../test/support/emitted.ts";
import { sampleDeployment, samplePool, splitDeployment } from "../../../test/support/sample-deployment.ts";
import type { Deployment } from "../deployment/deployment.ts";
import { checkEmitted } from "./check-emitted.ts";
import type { EmitOptions, EmitTarget, Emitted, KubernetesObject } from "./emit-types.ts";

function missingFields(target: EmitTarget, deployment: Deployment, options: EmitOptions = EMIT_OPTIONS): string[] {
  return missing(target, deployment, options).map(({ field }) => field);
}

describe("encoders apart", () => {
  const encoders = (name: "vllm" | "sglang", role: "both" | "split"): Deployment => {
    const base =
      role === "both"
        ? sampleDeployment({ pools: [samplePool({ name: "pd", replicas: 1 })], kvTransfer: splitDeployment(name).kvTransfer! })
        : splitDeployment(name);
    const encode = samplePool({
      name: "eyes",
      role: "encode",
      parallel: { tensor: 2, pipeline: 1, data: 1, expert: 1, context: 1 },
      precision: { weights: "bf16", kv: "bf16" },
      encoder: { parallel: "data" },
    });
    return { ...base, pools: [encode, ...base.pools].map((pool) => ({ ...pool, engine: { ...pool.engine, name } })) };
  };

  it("has encoders apart for sglang, and each server that computes prompts told where they are", () => {
    for (const role of ["both", "split"] as const) {
      const written = emitted("sglang", encoders("sglang", role));
      expect(checkEmitted(written).faults).toEqual([]);
      const text = (name: string): string => written.files.find((file) => file.name === `sglang-${name}.sh`)!.text;
      expect(text("eyes")).toContain("--encoder-only");
      expect(text("eyes")).toContain("--mm-enable-dp-encoder");
      expect(text("eyes")).toContain("SGLANG_ENCODER_MAX_BATCH_SIZE=256");
      const reader = text(role === "both" ? "pd" : "prefill");
      expect(reader).toMatch(/--language-only \\\n {2}--encoder-urls .*EYES_1.*EYES_2/);
      if (role === "split") expect(text("decode")).not.toContain("--encoder-urls");
    }
  });

  it("has encoders apart for vllm over a shared path, with a proxy before both sides", () => {
    for (const role of ["both", "split"] as const) {
      const fleet = encoders("vllm", role);
      const written = emitted("vllm", { ...fleet, routing: "random" });
      expect(checkEmitted(written).faults).toEqual([]);
      const text = (file: string): string => written.files.find(({ name }) => name === file)!.text;
      const eyes = text("vllm-eyes.sh");
      for (const word of [
        "--mm-encoder-only",
        "--enforce-eager",
        "--no-enable-prefix-caching",
        "--mm-encoder-tp-mode data",
        '"ec_role":"ec_producer"',
      ])
        expect(eyes).toContain(word);
      // The path is a variable that has to be set, inside of what else is quoted.
      expect(eyes).toContain(`"shared_storage_path":"'"\${EC_SHARED_STORAGE:?}"'"`);
      const reader = text(role === "both" ? "vllm-pd.sh" : "vllm-prefill.sh");
      expect(reader).toContain('"ec_role":"ec_consumer"');
      expect(reader).not.toContain("--mm-encoder-only");
      if (role === "split") expect(text("vllm-decode.sh")).not.toContain("ec_role");
      const front = text("router.sh").replaceAll(/\s+\\?\s*/g, " ");
      expect(front).toMatch(/--encode-servers-urls http:\/\/"\$\{EYES_1:\?\}":8000,http:\/\/"\$\{EYES_2:\?\}":8000/);
      const behind = /--prefill-servers-urls disable --decode-servers-urls http:\/\/"\$\{PD_1:\?\}":8000/;
      expect(front).toMatch(role === "both" ? behind : /--prefill-servers-urls http\S+ --decode-servers-urls http/);
      expect(written.notes.join("\n")).toMatch(/in no package/);
      // One replica behind encoders needs no choice; of several the proxy's is at random.
      expect(missingFields("vllm", fleet)).toEqual(role === "both" ? [] : ["routing"]);
    }
  });

  it("has encoders apart for dynamo in its own words", () => {
    const small = (name: "vllm" | "sglang", role: "both" | "split"): Deployment => {
      const fleet = encoders(name, role);
      const one = { tensor: 1, pipeline: 1, data: 1, expert: 1, context: 1 };
      const pools = fleet.pools.map((pool) =>
        pool.role === "encode" ? { ...pool, parallel: one, encoder: { parallel: "weights" as const } } : pool,
      );
      return { ...fleet, pools };
    };
    const said = (name: "vllm" | "sglang", role: "both" | "split"): Record<string, string> => {
      const written = emitted("dynamo", small(name, role));
      expect(checkEmitted(written).faults).toEqual([]);
      return Object.fromEntries(written.commands.map(({ pool, args }) => [pool, args.join(" ")]));
    };
    expect(said("vllm", "both")["eyes"]).toMatch(/--disaggregation-mode encode --enable-multimodal$/);
    expect(said("vllm", "both")["pd"]).toMatch(/--enable-multimodal --route-to-encoder --enable-mm-embeds$/);
    const split = said("vllm", "split");
    expect(split["prefill"]).toMatch(/--disaggregation-mode prefill --enable-multimodal --route-to-encoder --enable-mm-embeds$/);
    expect(split["decode"]).toMatch(/--disaggregation-mode decode --enable-multimodal$/);
    expect(said("sglang", "both")["eyes"]).toMatch(/--disaggregation-mode encode --enable-multimodal$/);
    expect(said("sglang", "both")["pd"]).toMatch(/--disaggregation-mode pd --enable-multimodal --dedicated-mm-encoder$/);
    expect(said("sglang", "split")["decode"]).toMatch(
      /--disaggregation-mode decode --disaggregation-transfer-backend nixl --enable-multimodal --dedicated-mm-encoder$/,
    );
    for (const text of Object.values(said("sglang", "split"))) expect(text).not.toMatch(/--encoder-only|--language-only|--encoder-urls/);
    // An encoder on two devices has no word there; and images that are encoded beside prompts have to be let in.
    expect(missingFields("dynamo", encoders("vllm", "both"))).toEqual(["parallel.tensor"]);
    const beside = sampleDeployment({ pools: [samplePool({ replicas: 1, encoder: { parallel: "data" } })], routing: "round-robin" });
    expect(
      emitted("dynamo", beside)
        .commands.find(({ pool }) => pool === "main")!
        .args.join(" "),
    ).toMatch(/--mm-encoder-tp-mode data .*--enable-multimodal$/);
    // Words that no worker takes are found.
    const written = emitted("dynamo", small("sglang", "both"));
    const altered = {
      ...written,
      commands: written.commands.map((one) => ({ ...one, args: one.args.map((word) => (word === "pd" ? "epd" : word)) })),
    };
    expect(checkEmitted(altered).faults.map(({ where }) => where)).toEqual(["pd, --disaggregation-mode epd"]);
  });

  type Word = { readonly name: string; readonly value?: string };
  const podOf = (object: KubernetesObject): { readonly args: string; readonly env: readonly Word[]; readonly spec: string } => {
    const { template } = object["spec"] as { template: { spec: { containers: { args: string[]; env?: Word[] }[] } } };
    const [container] = template.spec.containers;
    return { args: container!.args.join(" "), env: container!.env ?? [], spec: JSON.stringify(template.spec) };
  };
  const found = (out: Emitted, kind: string, name: string): KubernetesObject =>
    out.objects.find((object) => object.kind === kind && object.metadata.name === name)!;

  it("have names in Kubernetes, which vllm's proxy before them is told, and a path that both sides mount", () => {
    for (const role of ["both", "split"] as const) {
      const out = emitted("kubernetes", { ...encoders("vllm", role), routing: "random" });
      expect(checkEmitted(out).faults).toEqual([]);
      const eyes = podOf(found(out, "StatefulSet", "eyes"));
      expect(eyes.args).toContain('"ec_role":"ec_producer","ec_connector_extra_config":{"shared_storage_path":"/var/lib/encoder-outputs"}');
      const reader = podOf(found(out, "StatefulSet", role === "both" ? "pd" : "prefill"));
      expect(reader.args).toContain('"ec_role":"ec_consumer"');
      for (const { spec } of [eyes, reader]) {
        expect(spec).toContain('{"name":"encoder-outputs","mountPath":"/var/lib/encoder-outputs"}');
        expect(spec).toContain('"persistentVolumeClaim":{"claimName":"encoder-outputs"}');
      }
      if (role === "split") expect(podOf(found(out, "StatefulSet", "decode")).spec).not.toContain("encoder-outputs");
      const proxy = podOf(found(out, "Deployment", "router")).args;
      expect(proxy).toContain("--encode-servers-urls http://eyes-0.eyes:8000,http://eyes-1.eyes:8000 ");
      expect(proxy).toContain(
        role === "both"
          ? "--prefill-servers-urls disable --decode-servers-urls http://pd-0.pd:8000"
          : "--prefill-servers-urls http://prefill-0.prefill:8000,http://prefill-1.prefill:8000 --decode-servers-urls http://decode-0.decode:8000,",
      );
      // Names resolve through a Service without an address, of the name that the set is given.
      expect(found(out, "StatefulSet", "eyes")["spec"]).toMatchObject({ serviceName: "eyes", replicas: 2 });
      expect(found(out, "Service", "eyes")["spec"]).toMatchObject({ clusterIP: "None" });
      expect(out.notes.join("\n")).toMatch(/claim encoder-outputs .* yours to make/);
    }
    const { routerImage: _image, ...noImage } = EMIT_OPTIONS;
    expect(missing("kubernetes", encoders("vllm", "both"), noImage)).toEqual([
      { field: "routing", detail: "which image holds disagg_epd_proxy.py is not known" },
    ]);
    expect(missingFields("kubernetes", encoders("vllm", "split"))).toEqual(["routing"]);
    // Encoders of one engine do not hand on to another's readers.
    const mixed = encoders("vllm", "both");
    const pools = mixed.pools.map((pool) =>
      pool.role === "encode" ? { ...pool, engine: { ...pool.engine, name: "sglang" as const } } : pool,
    );
    expect(missingFields("kubernetes", { ...mixed, pools })).toContain("pools");
  });

  it("have names in Kubernetes that sglang's readers are told, and no part in its router's choice", () => {
    const both = emitted("kubernetes", encoders("sglang", "both"));
    const split = emitted("kubernetes", encoders("sglang", "split"));
    for (const out of [both, split]) {
      expect(checkEmitted(out).faults).toEqual([]);
      const eyes = podOf(found(out, "StatefulSet", "eyes"));
      expect(eyes.args).toContain("--encoder-only");
      expect(eyes.env).toContainEqual({ name: "SGLANG_ENCODER_MAX_BATCH_SIZE", value: "256" });
      expect(podOf(found(out, "Deployment", out === both ? "pd" : "prefill")).args).toContain(
        "--language-only --encoder-urls http://eyes-0.eyes:8000 http://eyes-1.eyes:8000",
      );
    }
    expect(both.objects.some(({ metadata }) => metadata.name === "router")).toBe(false);
    const router = podOf(found(split, "Deployment", "router")).args;
    expect(router).toContain("--prefill-selector heddle/role=prefill --decode-selector heddle/role=decode");
    expect(router).not.toContain("encode");
  });

  it("on several machines a replica are named by their first pod", () => {
    const fleet = encoders("vllm", "both");
    const pools = fleet.pools.map((pool) =>
      pool.role === "encode" ? pool : { ...pool, replicas: 2, parallel: { tensor: 8, pipeline: 2, data: 1, expert: 1, context: 1 } },
    );
    const out = emitted("kubernetes", { ...fleet, pools, routing: "random" });
    expect(checkEmitted(out).faults).toEqual([]);
    expect(podOf(found(out, "Deployment", "router")).args).toContain(
      "--decode-servers-urls http://pd-0-0.pd-0:8000,http://pd-1-0.pd-1:8000",
    );
    expect(found(out, "Service", "pd-0").metadata.name).toBe("pd-0");
  });

  it("are a pool of llm-d's chart, its side-car and its picker", () => {
    for (const role of ["both", "split"] as const) {
      const out = emitted("llm-d", { ...encoders("vllm", role), routing: "prefix-aware" });
      expect(checkEmitted(out).faults).toEqual([]);
      const values = out.objects[0] as unknown as Record<string, { containers: { args: string[]; env: Word[] }[]; replicas: number }>;
      expect(values["routing"]).toMatchObject({
        proxy: { enabled: true, targetPort: 8200, kvConnector: "nixlv2", ecConnector: "ec-nixl" },
      });
      const said = (name: string): string => values[name]!.containers[0]!.args.join(" ");
      expect(values["encode"]!.replicas).toBe(2);
      expect(said("encode")).toMatch(
        /--mm-encoder-only --enforce-eager --ec-transfer-config \{"ec_connector":"ECCPUConnector","ec_role":"ec_producer"/,
      );
      expect(said("encode")).toContain('"ec_enable_nixl":true,"ec_cpu_bytes":42949672960');
      expect(said("encode")).toContain("--port 8000");
      expect(said("decode")).toContain("--port 8200");
      const reader = role === "both" ? "decode" : "prefill";
      expect(said(reader)).toContain('"ec_role":"ec_consumer"');
      if (role === "split") expect(said("decode")).not.toContain("--ec-transfer-config");
      expect(values["encode"]!.containers[0]!.env).toContainEqual({
        name: "VLLM_EC_SIDE_CHANNEL_HOST",
        valueFrom: { fieldRef: { fieldPath: "status.podIP" } },
      });
      for (const name of ["encode", "decode"])
        expect(values[name]!.containers[0]!.env).toContainEqual({ name: "VLLM_USE_V2_MODEL_RUNNER", value: "1" });
      // What is kept for others has to fit where it lies.
      expect(JSON.stringify(values[reader])).toContain('"volumes":[{"name":"shm","emptyDir":{"medium":"Memory","sizeLimit":"56Gi"}}]');
      const [picker] = parseAllDocuments(out.files[1]!.text).map(
        (each) => each.toJS() as { plugins: object[]; schedulingProfiles: object[] },
      );
      const prefill = role === "split" ? { prefill: "always-disagg-pd-decider" } : {};
      expect(picker!.plugins.at(-1)).toEqual({
        type: "disagg-profile-handler",
        parameters: { deciders: { encode: "always-disagg-multimodal-decider", ...prefill } },
      });
      expect(picker!.schedulingProfiles).toMatchObject([
        { name: "encode", plugins: [{ pluginRef: "encode-filter" }, { pluginRef: "queue-scorer" }, { pluginRef: "max-score-picker" }] },
        ...(role === "split" ? [{ name: "prefill" }] : []),
        { name: "decode", plugins: [{ pluginRef: "decode-filter" }, { pluginRef: "prefix-cache-scorer" }, {}, {}] },
      ]);
      // Every plugin that a profile names is declared, once, whatever else is asked for.
      for (const routing of ["prefix-aware", "random", "least-loaded"] as const) {
        const { text } = emitted("llm-d", { ...encoders("vllm", role), routing }).files[1]!;
        const declared = [...text.matchAll(/- type: (\S+)/g)].map(([, type]) => type);
        for (const [, name] of text.matchAll(/pluginRef: (\S+)/g)) expect(declared).toContain(name);
        expect(new Set(declared).size).toBe(declared.length);
      }
    }
    const two = encoders("vllm", "both");
    const again = { ...two, routing: "random" as const, pools: [...two.pools, { ...two.pools[0]!, name: "more" }] };
    expect(missing("llm-d", again)).toEqual([{ field: "pools", detail: "the chart has one encode pool, not 2" }]);
    const altered = JSON.stringify(emitted("llm-d", { ...two, routing: "random" }).objects).replace('"ec-nixl"', '"ec-path"');
    const faults = checkEmitted({
      ...emitted("llm-d", { ...two, routing: "random" }),
      objects: JSON.parse(altered) as KubernetesObject[],
    }).faults;
    expect(faults.map(({ where }) => where)).toEqual(["Values values, routing.proxy.ecConnector"]);
  });

  it("have nothing before them that is trtllm's: the role is named, with what is missing", () => {
    const fleet = encoders("vllm", "split");
    const pools = fleet.pools.map((pool) => ({ ...pool, engine: { ...pool.engine, name: "trtllm" as const } }));
    for (const target of ["trtllm", "kubernetes", "dynamo"] as const) {
      const details = missing(target, { ...fleet, pools }).filter(({ field }) => field === "role");
      expect(details).toEqual([
        {
          field: "role",
          detail: expect.stringMatching(target === "dynamo" ? /encode worker of trtllm/ : /sends images to mm_embedding_serve/),
        },
      ]);
    }
  });
});
