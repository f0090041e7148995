import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { unzipSync } from "fflate";
import { HeddleError } from "../../../base/heddle-error.ts";
import { withLock } from "../../lock-file/with-lock.ts";
import { openvinoCache } from "./library-path.ts";

/** The wheel the driver was measured with, for Linux x64; its libraries serve any Python, and none. 59 MB. */
const WHEEL = {
  version: "2026.4.1",
  file: "openvino-2026.4.1-22982-cp311-cp311-manylinux_2_28_x86_64.whl",
  sha256: "2d22b1da03f7caf74df30e9f6417d0ab2f637e4a38e08e1dcd294d2c37407aaf",
};
const PLATFORM = ["--only-binary=:all:", "--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"];
const FLAGS = ["--no-deps", "--no-input", "--disable-pip-version-check", "--progress-bar=off", "--retries=1", "--timeout", "10"];
const LIBRARIES = "openvino/libs/";
/** Readers of other formats and a table of GPU kernels' timings: nothing heddle gives it needs them. */
const LEFT_OUT = /(?:jax|paddle|pytorch|tensorflow|tensorflow_lite|gguf)_frontend|cache\.json/;

/**
 * Puts OpenVINO's libraries into heddle's cache with `pip download`, which honours the user's pip configuration, and checks the wheel's sum.
 * Libraries that are there stay. Returns their folder.
 *
 * Errors: `driver-missing` where pip or the platform's wheel is not to be had; `checksum-mismatch`; `interrupted`.
 */
export async function fetchOpenvino(options: { readonly env?: NodeJS.ProcessEnv; readonly signal?: AbortSignal } = {}): Promise<string> {
  const { env = process.env, signal } = options;
  if (process.platform !== "linux" || process.arch !== "x64") {
    const detail = `the pinned wheel is for Linux x64, not ${process.platform} ${process.arch}; run pip install openvino`;
    throw new HeddleError("driver-missing", { where: "openvino", detail });
  }
  const cache = openvinoCache(env);
  const folder = join(cache, WHEEL.version);
  mkdirSync(cache, { recursive: true });
  return withLock(
    join(cache, ".lock"),
    async () => {
      if (existsSync(folder)) return folder;
      const work = mkdtempSync(join(cache, ".wheel-"));
      try {
        await pipDownload(work, env, signal);
        const unpacked = unpack(join(work, WHEEL.file), join(work, "libs"));
        renameSync(unpacked, folder);
        return folder;
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    },
    { signal },
  );
}

function unpack(wheel: string, folder: string): string {
  const bytes = readFileSync(wheel);
  const sum = createHash("sha256").update(bytes).digest("hex");
  if (sum !== WHEEL.sha256) {
    throw new HeddleError("checksum-mismatch", { where: WHEEL.file, detail: `SHA-256 ${sum}, expected ${WHEEL.sha256}` });
  }
  mkdirSync(folder);
  const files = unzipSync(bytes, { filter: ({ name }) => name.startsWith(LIBRARIES) && !LEFT_OUT.test(name) });
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, basename(name)), data, { mode: 0o755 });
  return folder;
}

async function pipDownload(folder: string, env: NodeJS.ProcessEnv, signal: AbortSignal | undefined): Promise<void> {
  const command = ["-m", "pip", "download", ...FLAGS, ...PLATFORM, "--dest", folder, `openvino==${WHEEL.version}`];
  let failure = "no Python is installed";
  for (const python of ["python3", "python"]) {
    const ended = await run(python, command, { env: { ...env, TMPDIR: folder }, signal });
    if (ended === undefined) return;
    if (signal?.aborted === true) throw new HeddleError("interrupted");
    failure = ended;
    if (ended !== `${python} is not installed`) break;
  }
  throw new HeddleError("driver-missing", { where: "openvino", detail: `${failure}; or give its folder in HEDDLE_OPENVINO` });
}

/** Undefined when it ends well, else why not. */
function run(program: string, args: readonly string[], options: { env: NodeJS.ProcessEnv; signal: AbortSignal | undefined }) {
  const { env, signal } = options;
  return new Promise<string | undefined>((resolve) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"], ...(signal && { signal }) });
    let complaint = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaint = (complaint + text).slice(-4096);
    });
    child.on("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ENOENT" ? `${program} is not installed` : error.message));
    child.on("close", (status) => resolve(status === 0 ? undefined : `pip: ${lastError(complaint) || `it ended with status ${status}`}`));
  });
}

function lastError(complaint: string): string {
  const lines = complaint.split("\n").map((line) => line.trim());
  return lines.findLast((line) => line.startsWith("ERROR:")) ?? lines.findLast((line) => line !== "") ?? "";
}
