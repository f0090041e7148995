import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A file that `node dist/scripts/fetch-example-models.js` puts into the cache. */
export function modelFile(name: string): string {
  const path = join(process.env["HEDDLE_ONNX_SAMPLES"] ?? join(homedir(), ".cache/heddle/onnx-samples"), name);
  if (!existsSync(path)) throw new Error(`${path} is not there: run "node dist/scripts/fetch-example-models.js"`);
  return path;
}
