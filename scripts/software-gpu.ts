import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** A folder with a Vulkan loader and SwiftShader, Google's Vulkan driver for CPUs; or why there is none. */
export type SoftwareGpu = { readonly folder: string } | { readonly absent: string };

/** Names in the folder. */
const LOADER = "libvulkan.so.1";
const DRIVER = "libvk_swiftshader.so";
const ICD = "vk_swiftshader_icd.json";

/** Where Debian's chromium, which brings driver and loader, is installed, and where a loader may lie besides. */
const INSTALLED_DRIVERS = ["/usr/lib/chromium"];
const INSTALLED_LOADERS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib/chromium"];

/** Package of the Debian registry that holds both (Debian 12, chromium 156); 32 MB. */
const PACKAGE = "chromium-common";
/** Of one call of apt-get. Units: ms. */
const STEP_LIMIT_MS = 150_000;

/** Environment of a process that is to find the software GPU instead of any other. */
export function softwareGpuEnvironment(folder: string, before: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const search = before["LD_LIBRARY_PATH"];
  return { VK_ICD_FILENAMES: join(folder, ICD), LD_LIBRARY_PATH: search ? `${folder}:${search}` : folder };
}

/** Takes installed libraries (where `installed` is not false), else those fetched before, else fetches them from the Debian registry with apt-get. */
export function softwareGpu(
  environment: Readonly<Record<string, string | undefined>>,
  options: { readonly installed?: boolean } = {},
): SoftwareGpu {
  if (process.platform !== "linux") return { absent: `SwiftShader is fetched for Linux, this is ${process.platform}` };
  const cache = environment["HEDDLE_SWIFTSHADER"] ?? `${environment["HOME"] ?? "."}/.cache/heddle/swiftshader`;
  const driver = INSTALLED_DRIVERS.find((folder) => existsSync(join(folder, DRIVER)));
  const loader = INSTALLED_LOADERS.find((folder) => existsSync(join(folder, LOADER)));
  try {
    if (options.installed !== false && driver !== undefined && loader !== undefined)
      return { folder: keep(join(cache, "installed"), join(driver, DRIVER), join(loader, LOADER)) };
    return { folder: fetched(cache) ?? fetchInto(cache) };
  } catch (error) {
    return { absent: error instanceof Error ? error.message : String(error) };
  }
}

function fetched(cache: string): string | undefined {
  const versions = existsSync(cache)
    ? readdirSync(cache)
        .filter((name) => name !== "installed")
        .sort()
    : [];
  return versions
    .map((version) => join(cache, version))
    .findLast((folder) => [LOADER, DRIVER, ICD].every((name) => existsSync(join(folder, name))));
}

function fetchInto(cache: string): string {
  const place = mkdtempSync(join(tmpdir(), "heddle-swiftshader-"));
  try {
    // Lists of packages may never have been fetched on a fresh machine.
    if (!apt(place, ["download", PACKAGE]).ok) {
      apt(place, ["update"]);
      const { ok, detail } = apt(place, ["download", PACKAGE]);
      if (!ok) throw new TypeError(`apt-get download ${PACKAGE}: ${detail}`);
    }
    const archive = readdirSync(place).find((name) => name.endsWith(".deb")) ?? PACKAGE;
    const { status, stderr } = spawnSync("dpkg-deb", ["-x", archive, "unpacked"], { cwd: place, encoding: "utf8", timeout: STEP_LIMIT_MS });
    if (status !== 0) throw new TypeError(`dpkg-deb -x ${archive}: ${stderr}`);
    const version = basename(archive, ".deb").replace(/[^\w.+-]/g, "_");
    return keep(join(cache, version), found(join(place, "unpacked"), DRIVER), found(join(place, "unpacked"), LOADER));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function apt(cwd: string, given: readonly string[]): { readonly ok: boolean; readonly detail: string } {
  const { status, stderr, error } = spawnSync("apt-get", ["-q", ...given], { cwd, encoding: "utf8", timeout: STEP_LIMIT_MS });
  return { ok: status === 0, detail: error?.message ?? stderr.trim().slice(-300) };
}

function found(folder: string, name: string): string {
  const path = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((each) => basename(each) === name);
  if (path === undefined) throw new TypeError(`the package ${PACKAGE} holds no ${name}`);
  return join(folder, path);
}

/** Copies the two libraries and writes the file that leads the loader to the driver; whole or not at all. */
function keep(folder: string, driver: string, loader: string): string {
  if (existsSync(join(folder, ICD))) return folder;
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  copyFileSync(driver, join(making, DRIVER));
  copyFileSync(loader, join(making, LOADER));
  const icd = { file_format_version: "1.0.0", ICD: { library_path: `./${DRIVER}`, api_version: "1.1.0" } };
  writeFileSync(join(making, ICD), JSON.stringify(icd));
  try {
    renameSync(making, folder);
  } catch {
    // Another process was first.
    rmSync(making, { recursive: true, force: true });
  }
  return folder;
}
