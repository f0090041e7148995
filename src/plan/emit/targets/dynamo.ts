import type { Deployment, Pool, RoutingName } from "../../deployment/deployment.ts";
import type { EmitOptions, Emitted, EmittedCommand, Inexpressible, KubernetesObject } from "../emit-types.ts";
import { sideOf } from "../engines/encoder.ts";
import { type EngineArguments, inexpressible, replicaDevices } from "../engines/engine-arguments.ts";
import { type EmitEngine, ENGINE_WRITERS, emitEngine } from "../engines/engine-writer.ts";
import { containerEnvironment, objectName, yamlStream } from "./objects.ts";

/** Of the wheel ai-dynamo whose templates and arguments were read. */
const VERSION = "1.6.1";
const PORT = "8000";
const CONFIG_FOLDER = "/etc/engine";

/** Images, as the wheel's own templates name them. Source: dynamo/profiler/templates/dgd/ of ai-dynamo 1.6.1. */
const IMAGES: Readonly<Record<EmitEngine, string>> = {
  vllm: `nvcr.io/nvidia/ai-dynamo/vllm-runtime:${VERSION}`,
  sglang: `nvcr.io/nvidia/ai-dynamo/sglang-runtime:${VERSION}`,
  trtllm: `nvcr.io/nvidia/ai-dynamo/tensorrtllm-runtime:${VERSION}`,
};

/** Words of `--router-mode`. `kv` weighs cached blocks against load. Source: router_args.py of ai-dynamo 1.6.1. */
const MODES: Readonly<Partial<Record<RoutingName, string>>> = {
  "round-robin": "round-robin",
  random: "random",
  "least-loaded": "least-loaded",
  "prefix-aware": "kv",
};

/** Options of an engine's server that a Dynamo worker does not take: it has no HTTP port. */
const SERVER_ONLY: readonly string[] = ["--host", "--port", "--disaggregation-mode", "--disaggregation-transfer-backend"];

/** A DynamoGraphDeployment: a front end, and a component a pool. */
export function emitDynamo(deployment: Deployment, options: EmitOptions): Emitted & { readonly missing: readonly Inexpressible[] } {
  const pools = deployment.pools.map((pool) => component(pool, deployment, options));
  const front = frontEnd(deployment, options);
  const missing = [...pools.flatMap((each) => each.missing), ...front.missing];
  const name = objectName(deployment.model);
  const graph: KubernetesObject = {
    apiVersion: "nvidia.com/v1beta1",
    kind: "DynamoGraphDeployment",
    metadata: { name },
    spec: { components: [front.component, ...pools.map((each) => each.component)] },
  };
  const objects = [graph, ...pools.flatMap((each) => each.objects)];
  return {
    target: "dynamo",
    files: [{ name: "dynamo.yaml", text: yamlStream(objects) }],
    commands: [front.command, ...pools.flatMap((each) => each.commands)],
    objects,
    notes: [...pools.flatMap((each) => each.notes), ...kvEventNote(deployment)],
    missing,
  };
}

function kvEventNote({ routing }: Deployment): string[] {
  return routing === "prefix-aware"
    ? ["dynamo's kv mode weighs cached blocks by its own cost function, not by heddle's prefix-aware one"]
    : [];
}

interface Component {
  readonly component: object;
  readonly objects: readonly KubernetesObject[];
  readonly commands: readonly EmittedCommand[];
  readonly missing: readonly Inexpressible[];
  readonly notes: readonly string[];
}

function component(pool: Pool, deployment: Deployment, options: EmitOptions): Component {
  const engine = emitEngine(pool.engine.name);
  if (engine === undefined) {
    const missing = [inexpressible(pool.name, "engine.name", `dynamo runs vllm, sglang and trtllm, not ${pool.engine.name}`)];
    return { component: {}, objects: [], commands: [], missing, notes: [] };
  }
  const written = ENGINE_WRITERS[engine](pool, { deployment, options, port: PORT, encoders: { by: "dynamo" } });
  const nodes = written.follower === undefined ? 1 : replicaDevices(pool) / options.devicesPerNode!;
  const images = imageWords(engine, pool, deployment);
  const args = [...workerArguments(engine, pool, written, sideOf(pool, deployment).apart), ...images.args];
  const role = pool.role === "both" || pool.role === "encode" ? "worker" : pool.role;
  const accelerator = options.acceleratorResource;
  const missing = [...written.missing, ...images.missing];
  if (accelerator === undefined) missing.push(inexpressible(pool.name, "device", "the name of its resource in Kubernetes is not known"));
  const config = configOf(pool, written);
  const env = containerEnvironment(written);
  const container = {
    name: "main",
    image: options.image ?? IMAGES[engine],
    command: ["python3", "-m", `dynamo.${engine}`],
    args,
    ...(env.length === 0 ? {} : { env }),
    resources: { limits: { [accelerator ?? ""]: String(replicaDevices(pool) / nodes) } },
    ...(config === undefined ? {} : { volumeMounts: [{ name: "config", mountPath: CONFIG_FOLDER }] }),
  };
  const volumes = config === undefined ? {} : { volumes: [{ name: "config", configMap: { name: config.metadata.name } }] };
  return {
    component: {
      name: objectName(pool.name),
      type: role,
      replicas: pool.replicas,
      ...(nodes === 1 ? {} : { multinode: { nodeCount: nodes } }),
      podTemplate: { spec: { containers: [container], ...volumes } },
    },
    objects: config === undefined ? [] : [config],
    commands: [{ pool: pool.name, command: `dynamo-${engine}`, positional: 0, args }],
    missing,
    notes: [...written.notes, ...images.notes],
  };
}

/**
 * How workers say that they take images, encode them, or take what others made of them.
 *
 * Source: `--enable-multimodal`, `--route-to-encoder`, `--dedicated-mm-encoder` of ai-dynamo 1.6.1; which go with which role: vLLM and SGLang Multimodal in Dynamo's
 * documentation (v1.6.0), examples/backends/vllm/launch/disagg_multimodal_e_pd.sh of ai-dynamo/dynamo, by which an encode worker of vLLM reads `--enforce-eager`
 * alone of the engine's options.
 */
function imageWords(
  engine: EmitEngine,
  pool: Pool,
  deployment: Deployment,
): { readonly args: readonly string[]; readonly missing: readonly Inexpressible[]; readonly notes: readonly string[] } {
  const { apart, encodes, reads } = sideOf(pool, deployment);
  const nothing = { args: [], missing: [], notes: [] };
  if (engine === "trtllm" || (!apart && deployment.pools.every(({ encoder }) => encoder === undefined))) return nothing;
  if (engine === "sglang") return { ...nothing, args: ["--enable-multimodal", ...(apart && !encodes ? ["--dedicated-mm-encoder"] : [])] };
  const wide = encodes && pool.parallel.tensor > 1;
  return {
    args: ["--enable-multimodal", ...(reads ? ["--route-to-encoder", "--enable-mm-embeds"] : [])],
    missing: wide ? [inexpressible(pool.name, "parallel.tensor", "dynamo's encode worker of vllm is on one device")] : [],
    notes: encodes
      ? [`${pool.name}: dynamo's encode worker of vllm reads no limits of the engine (engine.maxBatchedTokens, engine.maxSequences)`]
      : [],
  };
}

/** A worker takes its engine's options and says its role in words of Dynamo's own; the operator adds what several machines need. */
function workerArguments(engine: EmitEngine, pool: Pool, { args, program }: EngineArguments, apart: boolean): string[] {
  // A worker of SGLang that takes what encoders made names its role also where it does all else.
  const mode = pool.role === "both" ? (apart && engine === "sglang" ? "pd" : undefined) : pool.role;
  const role = mode === undefined ? [] : ["--disaggregation-mode", mode];
  if (engine === "trtllm") {
    const served = without(args, [...SERVER_ONLY, "--extra_llm_api_options", "--tp_size", "--pp_size", "--ep_size", ...TRTLLM_LIMITS]);
    const model = ["--model", program[1]!, "--served-model-name", program[1]!];
    return [...model, ...served, ...trtllmSizes(pool), "--extra-engine-args", `${CONFIG_FOLDER}/trtllm-${pool.name}.yaml`, ...role];
  }
  const model = engine === "vllm" ? ["--model", program[2]!] : [];
  const several = ["--nnodes", "--node-rank", "--master-addr", "--dist-init-addr"];
  const transfer =
    engine === "sglang" && (pool.role === "prefill" || pool.role === "decode") ? ["--disaggregation-transfer-backend", "nixl"] : [];
  return [...model, ...without(args, [...SERVER_ONLY, ...several]), ...role, ...transfer];
}

const TRTLLM_LIMITS: readonly string[] = ["--max_batch_size", "--max_num_tokens", "--max_seq_len", "--gpus_per_node"];

/** The same limits as `trtllm-serve`, in the worker's spelling. */
function trtllmSizes({ parallel, engine }: Pool): string[] {
  return [
    ...["--tensor-parallel-size", String(parallel.tensor * parallel.data), "--pipeline-parallel-size", String(parallel.pipeline)],
    ...(parallel.expert > 1 ? ["--expert-parallel-size", String(parallel.expert)] : []),
    ...["--max-batch-size", String(engine.maxSequences), "--max-num-tokens", String(engine.maxBatchedTokens)],
    ...(engine.maxModelTokens === undefined ? [] : ["--max-seq-len", String(engine.maxModelTokens)]),
  ];
}

/** Options and their values left out. */
function without(args: readonly string[], names: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < args.length; at++) {
    if (!names.includes(args[at]!)) kept.push(args[at]!);
    else at++;
  }
  return kept;
}

function configOf(pool: Pool, { files }: EngineArguments): KubernetesObject | undefined {
  if (files.length === 0) return undefined;
  const data = Object.fromEntries(files.map(({ name, text }) => [name, text]));
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: `${objectName(pool.name)}-config` }, data };
}

function frontEnd(
  deployment: Deployment,
  options: EmitOptions,
): { readonly component: object; readonly command: EmittedCommand; readonly missing: Inexpressible[] } {
  const mode = MODES[deployment.routing];
  const args = ["--router-mode", mode ?? ""];
  const engine = emitEngine(deployment.pools[0]?.engine.name ?? "") ?? "vllm";
  const container = {
    name: "main",
    image: options.image ?? IMAGES[engine],
    command: ["python3"],
    args: ["-m", "dynamo.frontend", ...args],
  };
  return {
    component: { name: "Frontend", type: "frontend", replicas: 1, podTemplate: { spec: { containers: [container] } } },
    command: { pool: "Frontend", command: "dynamo-frontend", positional: 0, args },
    missing: mode === undefined ? [inexpressible("deployment", "routing", `dynamo has no router mode for "${deployment.routing}"`)] : [],
  };
}
