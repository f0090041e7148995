import type { Deployment, Pool, RoutingName } from "../../deployment/deployment.ts";
import type { EmitOptions, Emitted, EmittedCommand, Inexpressible } from "../emit-types.ts";
import { ENCODER_HOST_BYTES, sideOf } from "../engines/encoder.ts";
import { checkpointName, inexpressible, replicaDevices } from "../engines/engine-arguments.ts";
import { vllmArguments } from "../engines/vllm.ts";
import { ENGINE_IMAGES } from "./kubernetes.ts";
import { containerEnvironment, objectName, yamlStream } from "./objects.ts";

/** Ports of the chart: what the side-car listens on, and the engine behind it. Source: values.yaml of llm-d-modelservice 024c0f2. */
const SERVICE_PORT = 8000;
const TARGET_PORT = 8200;

const BYTES_PER_GIB = 1_073_741_824;
/** Of a pod that keeps what was made of images: that, and what ranks talk through. */
const SHARED_MEMORY = `${ENCODER_HOST_BYTES / BYTES_PER_GIB + 16}Gi`;

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
 * Model: one pool decodes (or does both), one may prefill and one may encode images; vLLM on one machine a replica.
 */
export function emitLlmD(deployment: Deployment, options: EmitOptions): Emitted & { readonly missing: readonly Inexpressible[] } {
  const decoding = deployment.pools.filter(({ role }) => role === "both" || role === "decode");
  const prefilling = deployment.pools.filter(({ role }) => role === "prefill");
  const missing: Inexpressible[] = [];
  if (decoding.length !== 1 || prefilling.length > 1) {
    const detail = `the chart has one decode pool and at most one prefill pool, not ${decoding.length} and ${prefilling.length}`;
    missing.push(inexpressible("deployment", "pools", detail));
  }
  const encoding = deployment.pools.filter(({ role }) => role === "encode");
  if (encoding.length > 1) missing.push(inexpressible("deployment", "pools", `the chart has one encode pool, not ${encoding.length}`));
  const apart = encoding.length > 0;
  const proxied = apart || prefilling.length > 0;
  const decode = decoding.slice(0, 1).map((pool) => poolValues(pool, proxied ? TARGET_PORT : SERVICE_PORT, { deployment, options }));
  const prefill = prefilling.slice(0, 1).map((pool) => poolValues(pool, SERVICE_PORT, { deployment, options }));
  const encode = encoding.slice(0, 1).map((pool) => poolValues(pool, SERVICE_PORT, { deployment, options }));
  const picker = pickerConfig(deployment, { prefill: prefilling.length > 0, encode: apart });
  const connectors = apart ? { kvConnector: "nixlv2", ecConnector: "ec-nixl" } : { connector: "nixlv2" };
  const model = checkpointName({ deployment, options, port: "" });
  const values = {
    modelArtifacts: {
      name: model,
      uri: `hf://${model}`,
      labels: { "llm-d.ai/inferenceServing": "true", "llm-d.ai/model": objectName(model) },
    },
    routing: { servicePort: SERVICE_PORT, proxy: { enabled: proxied, targetPort: TARGET_PORT, ...connectors } },
    decode: decode[0]?.values ?? { create: false },
    prefill: prefill[0]?.values ?? { create: false },
    ...(apart ? { encode: encode[0]!.values } : {}),
  };
  const parts = [...decode, ...prefill, ...encode];
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
      ...encoding.map(({ name }) => `${name}: llm-d sends images to the encoder with the shortest queue, not to all in turn`),
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
  const { reads, encodes } = sideOf(pool, given.deployment);
  const written = vllmArguments(pool, { ...given, port: String(port), encoders: { by: "nixl" } });
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
          ...(reads || encodes ? { volumeMounts: [{ name: "shm", mountPath: "/dev/shm" }] } : {}),
        },
      ],
      ...(reads || encodes ? { volumes: [{ name: "shm", emptyDir: { medium: "Memory", sizeLimit: SHARED_MEMORY } }] } : {}),
    },
    command: { pool: pool.name, command: "vllm", positional: 0, args: written.args },
    missing,
    notes: written.notes,
  };
}

interface Stages {
  readonly prefill: boolean;
  readonly encode: boolean;
}

/**
 * Which pod a request goes to.
 *
 * Source: plugins of llm-d-router: `disagg-profile-handler` with a decider a stage that is apart (its README in pkg/epp/framework/plugins), as
 * guides/multimodal-serving/e-disaggregation/router/vllm of llm-d/llm-d (0bc3f33) has them, encoders by `queue-scorer`.
 */
function pickerConfig(
  { routing }: Deployment,
  { prefill, encode }: Stages,
): { readonly config: object; readonly missing: readonly Inexpressible[] } {
  const scorers = SCORERS[routing];
  const picker = routing === "random" ? "random-picker" : "max-score-picker";
  const roles = prefill || encode ? [...(prefill ? ["prefill"] : []), "decode"] : [undefined];
  const profile = (role: string | undefined, words: readonly string[]): object => ({
    name: role ?? "default",
    plugins: [...(role === undefined ? [] : [`${role}-filter`]), ...words].map((pluginRef) => ({ pluginRef })),
  });
  const types = new Set([...(scorers ?? []), picker, ...(encode ? ENCODE_PLUGINS : [])]);
  const plugins = [...types].map((type) => ({ type }));
  const stages = encode
    ? encodeStages(prefill)
    : prefill
      ? ["prefill-filter", "decode-filter", "pd-profile-handler"].map((type) => ({ type }))
      : [];
  return {
    config: {
      apiVersion: encode ? "llm-d.ai/v1alpha1" : "inference.networking.x-k8s.io/v1alpha1",
      kind: "EndpointPickerConfig",
      plugins: [...plugins, ...stages],
      schedulingProfiles: [
        ...(encode ? [profile("encode", ENCODE_PLUGINS)] : []),
        ...roles.map((role) => profile(role, [...(scorers ?? []), picker])),
      ],
    },
    missing: scorers === undefined ? [inexpressible("deployment", "routing", `llm-d's endpoint picker has no policy "${routing}"`)] : [],
  };
}

const ENCODE_PLUGINS: readonly string[] = ["queue-scorer", "max-score-picker"];

/** What takes a request through the stages that are apart: images to an encoder, and every prompt to those that compute prompts. */
function encodeStages(prefill: boolean): object[] {
  const deciders = { encode: "always-disagg-multimodal-decider", ...(prefill ? { prefill: "always-disagg-pd-decider" } : {}) };
  return [
    ...Object.values(deciders).map((type) => ({ type })),
    ...["encode-filter", ...(prefill ? ["prefill-filter"] : []), "decode-filter"].map((type) => ({ type })),
    { type: "disagg-profile-handler", parameters: { deciders } },
  ];
}
