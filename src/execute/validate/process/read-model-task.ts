import { existsSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { bytesOf } from "../../../base/bytes.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { onnxProgram } from "../../../graph/program/onnx-program.ts";
import { loadTokenizer } from "../../../graph/tokenizer/tokenizer.ts";
import { openFileBytes } from "../../file-bytes.ts";
import { openDecoderModel } from "../../model-store/open-model.ts";
import { namingFile } from "../../naming-file.ts";
import type { ModelTask } from "../checks/model-check.ts";
import type { TokenTask } from "../checks/token-check.ts";
import type { ModelOrder } from "./validation-order.ts";

const TOKENS_MOST = 128;

/** Opens what a device is validated with. Errors: those of reading it, `usage` where sizes or text do not fit it. */
export function readModelTask({ path, sizes, text }: ModelOrder): { readonly model: ModelTask } | { readonly decoder: TokenTask } {
  if (extname(path).toLowerCase() === ".onnx") return { model: onnxTask(path, sizes) };
  const [size] = Object.keys(sizes);
  if (size !== undefined) throw new HeddleError("usage", { where: `--size ${size}`, detail: "only ONNX models leave sizes open" });
  const model = openDecoderModel(path);
  const tokens = loadTokenizer(model.tokenizer).encode(text, { addSpecial: false }).slice(0, TOKENS_MOST);
  if (tokens.length === 0) throw new HeddleError("usage", { where: "--text", detail: "it has no tokens" });
  return { decoder: { model, tokens, name: model.spec.name } };
}

function onnxTask(path: string, sizes: Readonly<Record<string, number>>): ModelTask {
  const beside = (name: string): ReturnType<typeof openFileBytes> | undefined => {
    const file = join(dirname(path), name);
    return existsSync(file) ? openFileBytes(file) : undefined;
  };
  const whole = openFileBytes(path);
  try {
    const bytes = bytesOf(whole.read(0, whole.byteLength));
    const program = namingFile(path, () => onnxProgram(bytes, { files: beside, name: basename(path), sizes }));
    return { program, sizes };
  } finally {
    whole.close();
  }
}
