import type { Deployment, Pool } from "../../deployment/deployment.ts";
import type { EmitOptions, Emitted, EmittedCommand, EmittedFile, Inexpressible } from "../emit-types.ts";
import { SHARED_PATH } from "../engines/encoder.ts";
import { ENCODER_PROXY_NOTE, encoderProxy } from "../engines/encoder-proxy.ts";
import { type EngineArguments, type EngineContext, inexpressible, OWN_ADDRESS } from "../engines/engine-arguments.ts";
import { type EmitEngine, ENGINE_WRITERS } from "../engines/engine-writer.ts";
import { needsRouter, type RoutedEngine, routerArguments } from "../engines/router.ts";
import { shellCommand } from "./shell.ts";

const PORT = "8000";
const ROUTER_PORT = "9000";

/** Launch commands of an engine: a script a pool, run on every machine of every replica, and one for the router. */
export function emitCommands(
  engine: EmitEngine,
  deployment: Deployment,
  options: EmitOptions,
): Emitted & { readonly missing: readonly Inexpressible[] } {
  const pools = deployment.pools.map((pool) => poolScript(engine, pool, { deployment, options, ...encodersOf(engine, deployment) }));
  const router = routerScript(engine, deployment);
  return {
    target: engine,
    files: [...pools.flatMap(({ files }) => files), ...router.files],
    commands: [...pools.flatMap(({ commands }) => commands), ...router.commands],
    objects: [],
    notes: [...pools.flatMap(({ notes }) => notes), ...router.notes],
    missing: [...pools.flatMap(({ missing }) => missing), ...router.missing],
  };
}

/** How encoders and those that read what they make find one another. */
function encodersOf(engine: EmitEngine, deployment: Deployment): Pick<EngineContext, "encoders"> {
  if (engine === "sglang") return { encoders: { by: "address", urls: urls(deployment, "encode") } };
  return engine === "vllm" ? { encoders: { by: "path", path: SHARED_PATH } } : {};
}

interface Script {
  readonly files: readonly EmittedFile[];
  readonly commands: readonly EmittedCommand[];
  readonly missing: readonly Inexpressible[];
  readonly notes: readonly string[];
}

function poolScript(engine: EmitEngine, pool: Pool, given: Omit<EngineContext, "port">): Script {
  const written = ENGINE_WRITERS[engine](pool, { ...given, port: PORT });
  const text = [
    "#!/bin/sh",
    `# Pool ${pool.name}: ${pool.replicas} replica${pool.replicas === 1 ? "" : "s"} of this.`,
    ...(written.follower === undefined ? [] : ["# On every machine of a replica; NODE_RANK from 0, MASTER the address of machine 0."]),
    "set -eu",
    ...exports(written),
    scriptOf(written),
    "",
  ].join("\n");
  const other =
    pool.engine.name === engine ? [] : [inexpressible(pool.name, "engine.name", `the settings are those of ${pool.engine.name}`)];
  return {
    files: [{ name: `${engine}-${pool.name}.sh`, text }, ...written.files],
    commands: commandsOf(engine, pool.name, written),
    missing: [...written.missing, ...other],
    notes: written.notes,
  };
}

/** Variables of the environment; the address of the machine is asked for. */
function exports({ environment = {} }: EngineArguments): string[] {
  return Object.entries(environment).map(
    ([name, value]) => `export ${shellCommand([`${name}=${value === OWN_ADDRESS ? "$(OWN_ADDRESS)" : value}`])}`,
  );
}

/** The commands of a pool's machines, to be checked. */
export function commandsOf(engine: EmitEngine, pool: string, { args, follower, positional }: EngineArguments): EmittedCommand[] {
  return [args, ...(follower === undefined ? [] : [follower])].map((each) => ({ pool, command: engine, positional, args: each }));
}

/** What a machine runs: the first of a replica and the others may differ. */
export function scriptOf({ program, args, follower }: EngineArguments): string {
  if (follower === undefined || follower === args) return `exec ${shellCommand([...program, ...args])}`;
  return [
    `if [ ${shellCommand(["$(NODE_RANK)"])} = 0 ]; then`,
    `exec ${shellCommand([...program, ...args])}`,
    "fi",
    `exec ${shellCommand([...program, ...follower])}`,
  ].join("\n");
}

function routerScript(engine: EmitEngine, deployment: Deployment): Script {
  if (engine === "vllm" && deployment.pools.some(({ role }) => role === "encode")) return encoderProxyScript(deployment);
  if (!needsRouter(deployment)) return { files: [], commands: [], missing: [], notes: [] };
  if (engine === "trtllm") return trtllmFront(deployment);
  const workers = {
    by: "address" as const,
    both: urls(deployment, "both"),
    prefill: urls(deployment, "prefill"),
    decode: urls(deployment, "decode"),
  };
  const { program, args, missing } = routerArguments(engine, deployment, { workers, port: ROUTER_PORT });
  const text = [
    "#!/bin/sh",
    "# Address of each replica in its variable.",
    "set -eu",
    `exec ${shellCommand([...program, ...args])}`,
    "",
  ].join("\n");
  const command: EmittedCommand = { pool: "router", command: `${engine satisfies RoutedEngine}-router`, positional: 0, args };
  return { files: [{ name: "router.sh", text }], commands: [command], missing, notes: [] };
}

/** The proxy before vLLM's encoders, as a script. */
function encoderProxyScript(deployment: Deployment): Script {
  const split = deployment.pools.some(({ role }) => role === "prefill");
  const servers = {
    encode: urls(deployment, "encode"),
    prefill: urls(deployment, "prefill"),
    decode: urls(deployment, split ? "decode" : "both"),
  };
  const { program, args, missing } = encoderProxy(deployment, { servers, port: ROUTER_PORT });
  const text = [
    "#!/bin/sh",
    "# Address of each replica in its variable; disagg_epd_proxy.py from examples/disaggregated/disaggregated_encoder of vLLM.",
    "set -eu",
    `exec ${shellCommand([...program, ...args])}`,
    "",
  ].join("\n");
  return { files: [{ name: "router.sh", text }], commands: [], missing, notes: [ENCODER_PROXY_NOTE] };
}

function urls({ pools }: Deployment, role: Pool["role"]): string[] {
  return pools
    .filter((pool) => pool.role === role)
    .flatMap((pool) => Array.from({ length: pool.replicas }, (_none, index) => `http://$(${variable(pool, index)}):${PORT}`));
}

function variable({ name }: Pool, index: number): string {
  return `${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}_${index + 1}`;
}

/** `trtllm-serve disaggregated` stands before split pools; whole replicas have no router of TensorRT-LLM's. */
function trtllmFront(deployment: Deployment): Script {
  const split = deployment.pools.every(({ role }) => role === "prefill" || role === "decode");
  if (!split) {
    const missing = [
      inexpressible("deployment", "routing", "trtllm has no router for several whole replicas; write it for kubernetes or dynamo"),
    ];
    return { files: [], commands: [], missing, notes: [] };
  }
  const servers = (role: Pool["role"]): string => {
    const addresses = urls(deployment, role).map((url) => url.replace(/^http:\/\//, "").replace(/\$\(([A-Z][A-Z0-9_]*)\)/, "$${$1:?}"));
    return [`  num_instances: ${addresses.length}`, "  urls:", ...addresses.map((each) => `    - "${each}"`)].join("\n");
  };
  const policy = TRTLLM_ROUTERS[deployment.routing];
  const missing = policy === undefined ? [inexpressible("deployment", "routing", `trtllm has no router "${deployment.routing}"`)] : [];
  const router = `  router:\n    type: ${policy ?? ""}`;
  const text = [
    "#!/bin/sh",
    "# Address of each replica in its variable.",
    "set -eu",
    "cat > disagg.yaml <<END",
    `hostname: 0.0.0.0\nport: ${ROUTER_PORT}\nbackend: pytorch`,
    `context_servers:\n${servers("prefill")}\n${router}`,
    `generation_servers:\n${servers("decode")}\n${router}`,
    "END",
    "exec trtllm-serve disaggregated -c disagg.yaml",
    "",
  ].join("\n");
  return {
    files: [{ name: "router.sh", text }],
    commands: [],
    missing,
    notes: ["disagg.yaml is not held against a schema: no package at hand declares it"],
  };
}

/** Source: tensorrt_llm/serve/router.py of NVIDIA/TensorRT-LLM: round_robin, load_balancing, kv_cache_aware. */
const TRTLLM_ROUTERS: Readonly<Partial<Record<Deployment["routing"], string>>> = {
  "round-robin": "round_robin",
  "least-loaded": "load_balancing",
  "prefix-aware": "kv_cache_aware",
};
