import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, hostname, totalmem } from "node:os";
import { version } from "../../version.ts";
import { findOpenvino, libraryVersion } from "../drivers/openvino/library-path.ts";

/** What of this machine decides how fast it computes. */
export interface Machine {
  readonly name: string;
  readonly cpuModel: string;
  /** Instruction sets that change which kernels run, sorted. */
  readonly instructionSets: readonly string[];
  /** Cores this process may use. */
  readonly cores: readonly number[];
  /** Memory this process may use: the host's, or its control group's limit. Units: bytes. */
  readonly memoryBytes: number;
  readonly node: string;
  /** Versions of the optional native packages and of the OpenVINO library; absent ones are missing. */
  readonly drivers: Readonly<Record<string, string>>;
  readonly fingerprint: string;
}

const FLAGS: readonly string[] = ["avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "amx_bf16", "asimd", "asimddp", "i8mm", "sve"];
const DRIVER_PACKAGES: readonly string[] = ["onnxruntime-node", "onnxruntime-web", "node-llama-cpp"];
/** Memory sizes are compared in steps of this many bytes: what a kernel reserves at boot varies. */
const MEMORY_STEP = 2 ** 28;
/** The limit a version 1 control group reports when it has none is close to 2^63. */
const NO_LIMIT = 2 ** 60;

export function describeMachine(): Machine {
  const processors = cpus();
  const cpuModel = processors[0]?.model.trim() || "unknown";
  const cores = allowedCores(processors.length);
  const memoryBytes = Math.min(totalmem(), memoryLimit());
  const instructionSets = cpuFlags();
  const drivers = driverVersions();
  const node = process.versions.node;
  const identity = [
    cpuModel,
    instructionSets.join(","),
    cores.join(","),
    Math.round(memoryBytes / MEMORY_STEP),
    process.platform,
    process.arch,
    `node ${node.split(".")[0]}`,
    Object.entries(drivers).flat().join(" "),
    `heddle ${version}`,
    CALIBRATION_VERSION,
  ].join("|");
  const fingerprint = createHash("sha256").update(identity).digest("hex").slice(0, 16);
  return { name: hostname() || "this machine", cpuModel, instructionSets, cores, memoryBytes, node, drivers, fingerprint };
}

/** Grows when what calibrations measure changes, so that older ones are made anew. */
const CALIBRATION_VERSION = "calibration 5";

function memoryLimit(): number {
  for (const path of ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]) {
    const limit = Number(readText(path).trim());
    if (Number.isFinite(limit) && limit > 0 && limit < NO_LIMIT) return limit;
  }
  return Number.MAX_SAFE_INTEGER;
}

/** The cores the scheduler may put this process on (Linux), else all. */
function allowedCores(count: number): readonly number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readText("/proc/self/status"))?.[1];
  const parsed = list === undefined ? [] : parseCoreList(list);
  return parsed.length > 0 ? parsed : Array.from({ length: Math.max(1, count) }, (_, core) => core);
}

/** Reads a list such as `0-3,8`; empty where it is not one. */
export function parseCoreList(list: string): readonly number[] {
  const cores: number[] = [];
  for (const part of list.split(",")) {
    const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim());
    if (match === null) return [];
    const low = Number(match[1]);
    const high = Number(match[2] ?? match[1]);
    for (let core = low; core <= high; core++) cores.push(core);
  }
  return [...new Set(cores)].sort((a, b) => a - b);
}

function cpuFlags(): readonly string[] {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(readText("/proc/cpuinfo"))?.[1] ?? "";
  const present = new Set(line.split(/\s+/));
  return FLAGS.filter((flag) => present.has(flag)).sort();
}

function driverVersions(): Readonly<Record<string, string>> {
  const require = createRequire(import.meta.url);
  const versions: Record<string, string> = {};
  for (const name of DRIVER_PACKAGES) {
    const version = packageVersion(require, name);
    if (version !== undefined) versions[name] = version;
  }
  const openvino = packageVersion(require, "koffi") === undefined ? undefined : findOpenvino();
  if (openvino !== undefined) versions["openvino"] = libraryVersion(openvino.path);
  return versions;
}

/** Version of an installed package, found beside its entry point: not every package exports its package.json. */
function packageVersion(require: NodeJS.Require, name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    const text = readText(`${folder}/${name}/package.json`);
    const version = /"version"\s*:\s*"([^"]+)"/.exec(text)?.[1];
    if (version !== undefined) return version;
  }
  return undefined;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
