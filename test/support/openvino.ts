/** OpenVINO for tests: what is installed, else heddle's cache, filled once where the package registry answers; else why not. */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHeddleError } from "../../src/base/heddle-error.ts";
import { fetchOpenvino } from "../../src/execute/drivers/openvino/fetch-library.ts";
import { findOpenvino } from "../../src/execute/drivers/openvino/library-path.ts";
import { openOpenvino } from "../../src/execute/drivers/openvino/openvino-runtime.ts";

/** After a failure the registry is left alone this long: every test file that wants it would wait for it. */
const AGAIN_AFTER_MS = 600_000;
const failed = join(tmpdir(), "heddle-openvino-unreachable");

/** Why tests with OpenVINO are left out; undefined where they run. */
export async function openvinoAbsent(): Promise<string | undefined> {
  if (findOpenvino() === undefined) {
    const refused = existsSync(failed) && Date.now() - statSync(failed).mtimeMs < AGAIN_AFTER_MS;
    if (refused) return "OpenVINO is not installed and its wheel could not be fetched a few minutes ago";
    try {
      await fetchOpenvino();
    } catch (thrown) {
      writeFileSync(failed, "");
      return toHeddleError(thrown).message;
    }
  }
  const core = await openOpenvino();
  if (!core.ok) return core.error;
  core.value.release();
  return undefined;
}

/** The line that a summary of left-out tests shows. */
export function sayLeftOut(count: number, reason: string): void {
  process.stderr.write(`${count} tests left out: ${reason}\n`);
}
