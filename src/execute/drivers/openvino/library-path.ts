import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheFolder } from "../../model-store/cache-folder.ts";

/** Folder or file of the library the user names. */
export const LIBRARY_VARIABLE = "HEDDLE_OPENVINO";

/** Names of the C library: `libopenvino_c.so.2641` in wheels, without a number in archives and packages; macOS and Windows forms. */
const LIBRARY = /^(?:libopenvino_c\.so(?:\.\d+)*|libopenvino_c(?:\.\d+)*\.dylib|openvino_c\.dll)$/;
/** Folders in which the dynamic linker of Linux distributions looks. */
const SYSTEM_FOLDERS: readonly string[] = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
  "/opt/intel/openvino/runtime/lib/intel64",
];

/** A library that was found, and where: what a user is told. */
export interface FoundLibrary {
  readonly path: string;
  readonly source: string;
}

/**
 * Looks for OpenVINO's C library, in this order: HEDDLE_OPENVINO (a folder or the file); a pip installation in VIRTUAL_ENV or in the
 * site-packages of the `python3` on the path; a system package; an `openvino-node` package; heddle's cache, which
 * `heddle driver pull openvino` fills. Runs no Python.
 */
export function findOpenvino(env: NodeJS.ProcessEnv = process.env): FoundLibrary | undefined {
  const named = env[LIBRARY_VARIABLE];
  // What the user names is what is used: an error there must not be hidden by another installation.
  if (named !== undefined && named !== "") {
    const path = libraryAt(named);
    return path === undefined ? undefined : { path, source: LIBRARY_VARIABLE };
  }
  for (const { folder, source } of places(env)) {
    const path = libraryIn(folder);
    if (path !== undefined) return { path, source };
  }
  return undefined;
}

/** What tells one version of the library from another without loading it: the number in its name, or its size. */
export function libraryVersion(path: string): string {
  const real = realpathSync(path);
  return /(?:\.so\.|_c\.)(\d+(?:\.\d+)*)/.exec(real)?.[1] ?? `of ${statSync(real).size} bytes`;
}

/** What to do where none was found. */
export function howToInstall(env: NodeJS.ProcessEnv = process.env): string {
  const named = env[LIBRARY_VARIABLE];
  if (named !== undefined && named !== "") return `${LIBRARY_VARIABLE} names ${named}, where no libopenvino_c is`;
  return `OpenVINO's C library was not found; run \`heddle driver pull openvino\` or \`pip install openvino\`, or name its folder in ${LIBRARY_VARIABLE}`;
}

/** Folder of the libraries heddle fetched itself. */
export function openvinoCache(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), "openvino");
}

interface Place {
  readonly folder: string;
  readonly source: string;
}

function places(env: NodeJS.ProcessEnv): readonly Place[] {
  const venv = env["VIRTUAL_ENV"];
  const prefixes = [...(venv === undefined || venv === "" ? [] : [venv]), ...pythonPrefixes(env)];
  const wheels = prefixes.flatMap((prefix) =>
    sitePackages(prefix).map((site) => ({ folder: join(site, "openvino", "libs"), source: "pip" })),
  );
  const linked = (env["LD_LIBRARY_PATH"] ?? "").split(":").filter((folder) => folder !== "");
  const system = [...linked, ...SYSTEM_FOLDERS].map((folder) => ({ folder, source: "system" }));
  const node = ["node_modules/openvino-node/bin"].map((folder) => ({ folder, source: "openvino-node" }));
  const kept = versionsIn(openvinoCache(env)).map((folder) => ({ folder, source: "heddle's cache" }));
  return [...wheels, ...system, ...node, ...kept];
}

/** Prefixes of the `python3` programs on the path: `<prefix>/bin/python3`. */
function pythonPrefixes(env: NodeJS.ProcessEnv): readonly string[] {
  const folders = (env["PATH"] ?? "").split(":").filter((folder) => folder !== "" && existsSync(join(folder, "python3")));
  const own = env["HOME"] === undefined ? [] : [join(env["HOME"], ".local")];
  return [...own, ...folders.map((folder) => dirname(folder))];
}

function sitePackages(prefix: string): readonly string[] {
  const lib = join(prefix, "lib");
  const versions = namesIn(lib).filter((name) => /^python3(?:\.\d+)?$/.test(name));
  return versions.flatMap((version) => ["site-packages", "dist-packages"].map((kind) => join(lib, version, kind)));
}

/** Newest version first. */
function versionsIn(folder: string): readonly string[] {
  const number = (name: string): number => name.split(".").reduce((sum, part) => sum * 1000 + (Number.parseInt(part, 10) || 0), 0);
  return [...namesIn(folder)].sort((a, b) => number(b) - number(a)).map((name) => join(folder, name));
}

/** The library at a path a user gave: the file itself, or in the folder or its usual places below. */
function libraryAt(path: string): string | undefined {
  try {
    if (statSync(path).isFile()) return path;
  } catch {
    return undefined;
  }
  for (const below of [".", "libs", "openvino/libs", "runtime/lib/intel64"]) {
    const found = libraryIn(join(path, below));
    if (found !== undefined) return found;
  }
  return undefined;
}

function libraryIn(folder: string): string | undefined {
  const name = namesIn(folder).find((one) => LIBRARY.test(one));
  return name === undefined ? undefined : join(folder, name);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
