import { HeddleError } from "../../base/heddle-error.ts";
import type { Program } from "../../graph/program/program.ts";

export async function openOnnxProgram(path: string): Promise<Program> {
  throw new HeddleError("onnx-unsupported", { where: path });
}
