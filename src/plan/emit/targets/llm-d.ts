import type { Deployment, Pool, RoutingName } from "../../deployment/deployment.ts";
import type { EmitOptions, Emitted, EmittedCommand, Inexpressible } from "../emit-types.ts";
import { checkpointName, inexpressible, replicaDevices } from "../engines/engine-arguments.ts";
import { vllmArguments } from "../engines/vllm.ts";
import { ENGINE_IMAGES } from "./kubernetes.ts";
import { containerEnvironment, objectName, yamlStream } from "./objects.ts";

/** Ports of the chart: what the side-car listens on, and the engine behind it. Source: values.yaml of llm-d-modelservice 024c0f2. */
const SERVICE_PORT = 8000;
const TARGET_PORT = 8200;

/** Scorers of llm-d's endpoint picker that make the policy. Source: llm-d inference scheduler's plugins. */
const SCORERS: Readonly<Partial<Record<RoutingName, readonly string[]>>> = {
  "prefix-aware": ["prefix-cache-scorer", "queue-scorer"],
  "least-loaded": ["active-request-scorer"],
  "adapter-affinity": ["lora-affinity-scorer", "active-request-scorer"],
  random: [],
};

/**
 * Values of the chart llm-d-modelservice, and the configuration of the endpoint picker.
 *
 * Model: one pool decodes (or does both) and one may prefill; vLLM on one machine a replica.
 */
export function emitLlmD(deployment: Deployment, options: EmitOptions): Emitted & { readonly missing: readonly Inexpressible[] } {
  const decoding = deployment.pools.filter(({ role }) => role === "both" || role === "decode");
  const prefilling = deployment.pools.filter(({ role }) => role === "prefill");
  const missing: Inexpressible[] = [];
  if (decoding.length !== 1 || prefilling.length > 1) {
    const detail = `the chart has one decode pool and at most one prefill pool, not ${decoding.length} and ${prefilling.length}`;
    missing.push(inexpressible("deployment", "pools", detail));
  }
  for (const { name } of deployment.pools.filter(({ role }) => role === "encode"))
    missing.push(inexpressible(name, "role", "the chart has no pool that encodes images"));
  const proxied = prefilling.length > 0;
  const decode = decoding.slice(0, 1).map((pool) => poolValues(pool, proxied ? TARGET_PORT : SERVICE_PORT, { deployment, options }));
  const prefill = prefilling.slice(0, 1).map((pool) => poolValues(pool, SERVICE_PORT, { deployment, options }));
  const picker = pickerConfig(deployment, proxied);
  const model = checkpointName({ deployment, options, port: "" });
  const values = {
    modelArtifacts: {
      name: model,
      uri: `hf://${model}`,
      labels: { "llm-d.ai/inferenceServing": "true", "llm-d.ai/model": objectName(model) },
    },
    routing: { servicePort: SERVICE_PORT, proxy: { enabled: proxied, targetPort: TARGET_PORT, connector: "nixlv2" } },
    decode: decode[0]?.values ?? { create: false },
    prefill: prefill[0]?.values ?? { create: false },
  };
  const parts = [...decode, ...prefill];
  return {
    target: "llm-d",
    files: [
      { name: "llm-d-values.yaml", text: yamlStream([values]) },
      { name: "llm-d-picker.yaml", text: yamlStream([picker.config]) },
    ],
    commands: parts.map(({ command }) => command),
    objects: [{ apiVersion: "llm-d-modelservice", kind: "Values", metadata: { name: "values" }, ...values }],
    notes: [
      ...parts.flatMap(({ notes }) => notes),
      "the picker's configuration is not held against a schema: no package at hand declares its plugins",
    ],
    missing: [...missing, ...parts.flatMap((each) => each.missing), ...picker.missing],
  };
}

function poolValues(
  pool: Pool,
  port: number,
  given: { readonly deployment: Deployment; readonly options: EmitOptions },
): {
  readonly values: object;
  readonly command: EmittedCommand;
  readonly missing: readonly Inexpressible[];
  readonly notes: readonly string[];
} {
  const written = vllmArguments(pool, { ...given, port: String(port) });
  const { parallel } = pool;
  const missing = [...written.missing];
  if (pool.engine.name !== "vllm")
    missing.push(inexpressible(pool.name, "engine.name", `llm-d's chart runs vllm, not ${pool.engine.name}`));
  if (written.follower !== undefined)
    missing.push(inexpressible(pool.name, "parallel", "replicas over several machines are not written for llm-d"));
  const accelerator = given.options.acceleratorResource;
  if (accelerator === undefined) missing.push(inexpressible(pool.name, "device", "the name of its resource in Kubernetes is not known"));
  const env = containerEnvironment(written);
  return {
    values: {
      create: true,
      replicas: pool.replicas,
      parallelism: { tensor: parallel.tensor, data: parallel.data, dataLocal: parallel.data, workers: 1 },
      containers: [
        {
          name: "vllm",
          image: given.options.image ?? ENGINE_IMAGES.vllm,
          modelCommand: "custom",
          command: written.program,
          args: written.args,
          ...(env.length === 0 ? {} : { env }),
          ports: [{ containerPort: port, name: "http", protocol: "TCP" }],
          resources: { limits: { [accelerator ?? ""]: String(replicaDevices(pool)) } },
          mountModelVolume: true,
        },
      ],
    },
    command: { pool: pool.name, command: "vllm", positional: 0, args: written.args },
    missing,
    notes: written.notes,
  };
}

/** Which pod a request goes to. */
function pickerConfig({ routing }: Deployment, split: boolean): { readonly config: object; readonly missing: readonly Inexpressible[] } {
  const scorers = SCORERS[routing];
  const picker = routing === "random" ? "random-picker" : "max-score-picker";
  const roles = split ? ["prefill", "decode"] : [undefined];
  const types = [...(scorers ?? []), picker, ...(split ? ["prefill-filter", "decode-filter", "pd-profile-handler"] : [])];
  const profiles = roles.map((role) => ({
    name: role ?? "default",
    plugins: [...(role === undefined ? [] : [`${role}-filter`]), ...(scorers ?? []), picker].map((pluginRef) => ({ pluginRef })),
  }));
  return {
    config: {
      apiVersion: "inference.networking.x-k8s.io/v1alpha1",
      kind: "EndpointPickerConfig",
      plugins: types.map((type) => ({ type })),
      schedulingProfiles: profiles,
    },
    missing: scorers === undefined ? [inexpressible("deployment", "routing", `llm-d's endpoint picker has no policy "${routing}"`)] : [],
  };
}
