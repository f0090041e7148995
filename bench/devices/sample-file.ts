import { join } from "node:path";
import { sampleFolder } from "../../scripts/onnx-samples.ts";

/** Path of a model that the project's scripts fetch. */
export function samplePath(file: string): string {
  return join(sampleFolder(process.env), file);
}
