import type { Deployment, Pool } from "../../deployment/deployment.ts";
import type { EmitOptions, Emitted, EmittedCommand, Inexpressible, KubernetesObject } from "../emit-types.ts";
import { sideOf } from "../engines/encoder.ts";
import { ENCODER_PROXY_NOTE, encoderProxy } from "../engines/encoder-proxy.ts";
import { type EngineArguments, inexpressible, replicaDevices } from "../engines/engine-arguments.ts";
import { type EmitEngine, ENGINE_WRITERS, emitEngine } from "../engines/engine-writer.ts";
import { needsRouter, routerArguments } from "../engines/router.ts";
import { commandsOf, scriptOf } from "./commands.ts";
import {
  isAddressed,
  type PodAddresses,
  podEncoders,
  podUrls,
  SHARED_CLAIM_NOTE,
  sharedMount,
  sharedVolume,
} from "./kubernetes-encoders.ts";
import { containerEnvironment, objectName, serviceObject, yamlStream } from "./objects.ts";

const PORT = 8000;
const ROUTER_PORT = 9000;
/** A 671B checkpoint over a network file system takes long. Units: s, and trials. */
const STARTUP_PERIOD_S = 10;
const STARTUP_TRIALS = 360;
/** Of the shared memory that ranks of a replica talk through. */
const SHARED_MEMORY = "16Gi";
const POOL_LABEL = "heddle/pool";
const ROLE_LABEL = "heddle/role";

/** Images that the projects publish; a tag is the version of the option list. TensorRT-LLM's option list has no version. */
export const ENGINE_IMAGES: Readonly<Partial<Record<EmitEngine, string>>> = {
  vllm: "vllm/vllm-openai:v0.33.0",
  sglang: "lmsysorg/sglang:v0.5.23",
};

interface Written {
  readonly objects: readonly KubernetesObject[];
  readonly commands: readonly EmittedCommand[];
  readonly missing: readonly Inexpressible[];
  readonly notes: readonly string[];
}

/**
 * A Deployment and a Service a pool, a StatefulSet a replica where it has several machines or a pool whose pods others name (encoders, and with vLLM's those
 * behind them), and the engine's router before them.
 */
export function emitKubernetes(deployment: Deployment, options: EmitOptions): Emitted & { readonly missing: readonly Inexpressible[] } {
  const parts = [...deployment.pools.map((pool) => poolObjects(pool, deployment, options)), routerObjects(deployment, options)];
  const objects = parts.flatMap((part) => part.objects);
  return {
    target: "kubernetes",
    files: [{ name: "kubernetes.yaml", text: yamlStream(objects) }],
    commands: parts.flatMap(({ commands }) => commands),
    objects,
    notes: parts.flatMap(({ notes }) => notes),
    missing: parts.flatMap(({ missing }) => missing),
  };
}

function poolObjects(pool: Pool, deployment: Deployment, options: EmitOptions): Written {
  const engine = emitEngine(pool.engine.name);
  if (engine === undefined) return nothing(inexpressible(pool.name, "engine.name", `${pool.engine.name} has no container image`));
  const encoders = podEncoders(engine, deployment, podAddresses(deployment, options));
  const written = ENGINE_WRITERS[engine](pool, { deployment, options, port: String(PORT), ...encoders });
  const accelerator = options.acceleratorResource;
  const missing = [...written.missing];
  if (accelerator === undefined) missing.push(inexpressible(pool.name, "device", "the name of its resource in Kubernetes is not known"));
  const image = options.image ?? ENGINE_IMAGES[engine];
  if (image === undefined) missing.push(inexpressible(pool.name, "engine.name", `which image holds ${engine} is not known`));
  const { reads, encodes } = sideOf(pool, deployment);
  const pod = {
    ...{ engine, pool, written, accelerator: accelerator ?? "", image: image ?? "" },
    addressed: isAddressed(pool, deployment),
    shares: engine === "vllm" && (reads || encodes),
  };
  const nodes = written.follower === undefined ? 1 : replicaDevices(pool) / options.devicesPerNode!;
  const objects =
    nodes === 1 ? singleNode(pod) : Array.from({ length: pool.replicas }, (_none, index) => severalNodes(pod, index, nodes)).flat();
  return { objects: [...configMap(pod), ...objects], commands: commandsOf(engine, pool.name, written), missing, notes: written.notes };
}

function nothing(...missing: readonly Inexpressible[]): Written {
  return { objects: [], commands: [], missing, notes: [] };
}

interface Pod {
  readonly engine: EmitEngine;
  readonly pool: Pool;
  readonly written: EngineArguments;
  readonly accelerator: string;
  readonly image: string;
  /** Others name each of its pods. */
  readonly addressed: boolean;
  /** Has the path over which encoders hand on what they made. */
  readonly shares: boolean;
}

function labelsOf({ name, role }: Pool): Readonly<Record<string, string>> {
  return { [POOL_LABEL]: objectName(name), [ROLE_LABEL]: role };
}

function singleNode(pod: Pod): KubernetesObject[] {
  const labels = labelsOf(pod.pool);
  const name = objectName(pod.pool.name);
  const spec = { replicas: pod.pool.replicas, selector: { matchLabels: labels }, template: template(pod, labels, 1) };
  if (pod.addressed) {
    const named = { serviceName: name, podManagementPolicy: "Parallel", ...spec };
    return [
      { apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name, labels }, spec: named },
      serviceObject(name, { selector: labels, port: PORT, headless: true }),
    ];
  }
  return [
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, labels }, spec },
    serviceObject(name, { selector: labels, port: PORT }),
  ];
}

/** Pods of a StatefulSet know their number; the first is the one that serves. */
function severalNodes(pod: Pod, index: number, nodes: number): KubernetesObject[] {
  const name = `${objectName(pod.pool.name)}-${index}`;
  const labels = { ...labelsOf(pod.pool), "heddle/replica": String(index) };
  const spec = {
    serviceName: name,
    replicas: nodes,
    podManagementPolicy: "Parallel",
    selector: { matchLabels: labels },
    template: template(pod, labels, nodes, `${name}-0.${name}`),
  };
  return [
    { apiVersion: "apps/v1", kind: "StatefulSet", metadata: { name, labels }, spec },
    serviceObject(name, { selector: labels, port: PORT, headless: true }),
  ];
}

function template(pod: Pod, labels: Readonly<Record<string, string>>, nodes: number, master?: string): object {
  const { pool, written, accelerator, image } = pod;
  const rank = { name: "NODE_RANK", valueFrom: { fieldRef: { fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']" } } };
  const env = [...(master === undefined ? [] : [rank, { name: "MASTER", value: master }]), ...containerEnvironment(written)];
  const container = {
    name: "engine",
    image,
    ...(nodes === 1 ? { command: written.program, args: written.args } : { command: ["/bin/sh", "-c"], args: [scriptOf(written)] }),
    ...(env.length === 0 ? {} : { env }),
    ports: [{ name: "http", containerPort: PORT }],
    resources: { limits: { [accelerator]: String(replicaDevices(pool) / nodes) } },
    ...(nodes === 1
      ? { startupProbe: { httpGet: { path: "/health", port: "http" }, periodSeconds: STARTUP_PERIOD_S, failureThreshold: STARTUP_TRIALS } }
      : {}),
    volumeMounts: [{ name: "shared-memory", mountPath: "/dev/shm" }, ...configMount(pod), ...sharedMount(pod)],
    ...(written.files.length === 0 ? {} : { workingDir: CONFIG_FOLDER }),
  };
  const volumes = [
    { name: "shared-memory", emptyDir: { medium: "Memory", sizeLimit: SHARED_MEMORY } },
    ...configVolume(pod),
    ...sharedVolume(pod),
  ];
  return { metadata: { labels }, spec: { containers: [container], volumes } };
}

const CONFIG_FOLDER = "/etc/engine";

function configName({ pool }: Pod): string {
  return `${objectName(pool.name)}-config`;
}

/** Files of the engine, where it has some. */
function configMap(pod: Pod): KubernetesObject[] {
  if (pod.written.files.length === 0) return [];
  const data = Object.fromEntries(pod.written.files.map(({ name, text }) => [name, text]));
  return [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: configName(pod) }, data }];
}

function configMount(pod: Pod): object[] {
  return pod.written.files.length === 0 ? [] : [{ name: "config", mountPath: CONFIG_FOLDER }];
}

function configVolume(pod: Pod): object[] {
  return pod.written.files.length === 0 ? [] : [{ name: "config", configMap: { name: configName(pod) } }];
}

/** A Service alone spreads connections at random; every other policy needs the engine's router, which finds pods by their labels. */
function routerObjects(deployment: Deployment, options: EmitOptions): Written {
  const apart = deployment.pools.some(({ role }) => role === "encode");
  if (!apart && !needsRouter(deployment)) return nothing();
  const engines = new Set(deployment.pools.map(({ engine }) => emitEngine(engine.name)));
  const [engine] = engines;
  if (engines.size > 1) return nothing(inexpressible("deployment", "pools", "one router serves one engine"));
  if (engine === undefined) return nothing();
  if (apart && engine === "vllm") return encoderProxyObjects(deployment, options);
  if (!needsRouter(deployment)) return nothing();
  const roles = new Set(deployment.pools.map(({ role }) => role));
  if (engine === "trtllm") {
    if (roles.size > 1) return nothing(inexpressible("deployment", "pools", "trtllm's server for split pools is not written; use dynamo"));
    return deployment.routing === "random"
      ? nothing()
      : nothing(inexpressible("deployment", "routing", "trtllm in Kubernetes is routed at random"));
  }
  const image = options.routerImage;
  const labels = roleLabels(deployment, options);
  const workers = { by: "label" as const, port: String(PORT), ...labels.workers };
  const { program, args, missing } = routerArguments(engine, deployment, { workers, port: String(ROUTER_PORT) });
  const noImage = image === undefined ? [inexpressible("deployment", "routing", `which image holds ${engine}-router is not known`)] : [];
  return {
    objects: [
      ...watchRights(),
      routerDeployment(image ?? "", program, args, { lists: true }),
      serviceObject("router", { selector: ROUTER_LABELS, port: ROUTER_PORT }),
    ],
    commands: [{ pool: "router", command: `${engine}-router`, positional: 0, args }],
    missing: [...missing, ...labels.missing, ...noImage],
    notes: [],
  };
}

/** The proxy before vLLM's encoders names each pod behind it, so it lists none. */
function encoderProxyObjects(deployment: Deployment, options: EmitOptions): Written {
  const addresses = podAddresses(deployment, options);
  const servers = { encode: addresses("encode"), prefill: addresses("prefill"), decode: [...addresses("decode"), ...addresses("both")] };
  const { program, args, missing } = encoderProxy(deployment, { servers, port: String(ROUTER_PORT) });
  const { routerImage: image } = options;
  const proxy = routerDeployment(image ?? "", program, args, { lists: false });
  const noImage = image === undefined ? [inexpressible("deployment", "routing", "which image holds disagg_epd_proxy.py is not known")] : [];
  return {
    objects: [proxy, serviceObject("router", { selector: ROUTER_LABELS, port: ROUTER_PORT })],
    commands: [],
    missing: [...missing, ...noImage],
    notes: [ENCODER_PROXY_NOTE, SHARED_CLAIM_NOTE],
  };
}

/** Addresses of pods, by role. */
function podAddresses(deployment: Deployment, { devicesPerNode }: EmitOptions): PodAddresses {
  const several = (pool: Pool): boolean => replicaDevices(pool) > (devicesPerNode ?? replicaDevices(pool));
  return (role) =>
    deployment.pools.filter((pool) => pool.role === role).flatMap((pool) => podUrls(pool, { several: several(pool), port: PORT }));
}

/** Labels of the pods that serve: all of a role, or the first of each replica where a replica has several. */
function roleLabels(
  { pools }: Deployment,
  { devicesPerNode }: EmitOptions,
): { readonly workers: object; readonly missing: readonly Inexpressible[] } {
  const missing: Inexpressible[] = [];
  const workers: Record<string, readonly string[]> = {};
  for (const role of new Set(pools.map((pool) => pool.role))) {
    const several = pools
      .filter((pool) => pool.role === role)
      .map((pool) => replicaDevices(pool) > (devicesPerNode ?? replicaDevices(pool)));
    if (new Set(several).size > 1)
      missing.push(inexpressible("deployment", "pools", `pools of role ${role} on one and on several machines`));
    workers[role] = [`${ROLE_LABEL}=${role}`, ...(several[0] === true ? ["apps.kubernetes.io/pod-index=0"] : [])];
  }
  return { workers, missing };
}

const ROUTER_LABELS: Readonly<Record<string, string>> = { [ROLE_LABEL]: "router" };

function routerDeployment(
  image: string,
  command: readonly string[],
  args: readonly string[],
  { lists }: { readonly lists: boolean },
): KubernetesObject {
  const container = { name: "router", image, command, args, ports: [{ name: "http", containerPort: ROUTER_PORT }] };
  const spec = { ...(lists ? { serviceAccountName: "router" } : {}), containers: [container] };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "router", labels: ROUTER_LABELS },
    spec: { replicas: 1, selector: { matchLabels: ROUTER_LABELS }, template: { metadata: { labels: ROUTER_LABELS }, spec } },
  };
}

/** The router lists pods. */
function watchRights(): KubernetesObject[] {
  const metadata = { name: "router" };
  const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }];
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "router" },
      subjects: [{ kind: "ServiceAccount", name: "router" }],
    },
  ];
}
