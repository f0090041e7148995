import { statSync } from "node:fs";
import { basename } from "node:path";
import type { DecoderModel } from "../../graph/decoder/model.ts";
import { decoderFromGguf } from "../../graph/gguf/decoder-from-gguf.ts";
import { readGguf } from "../../graph/gguf/read-gguf.ts";
import { decoderFromHf } from "../../graph/hf-config/decoder-from-hf.ts";
import { openFileBytes } from "../file-bytes.ts";
import { namingFile } from "../naming-file.ts";
import { openHfFolder } from "./hf-folder.ts";

/** Endings of file names that tell the weight format, not the model. */
const FORMAT_SUFFIX = /[.-](I?Q\d\w*|F16|F32|BF16)$/i;

/**
 * Opens a GGUF file or a Hugging Face folder. Tensor data is read when asked for; the files stay open for the life of the process.
 *
 * Errors: `file-unreadable` and those of the readers, with the path.
 */
export function openDecoderModel(path: string): DecoderModel {
  return namingFile(path, () => (isFolder(path) ? decoderFromHf(openHfFolder(path)) : openGguf(path)));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function openGguf(path: string): DecoderModel {
  const file = openFileBytes(path);
  try {
    const name = basename(path)
      .replace(/\.gguf$/i, "")
      .replace(FORMAT_SUFFIX, "");
    return decoderFromGguf(readGguf(file), name, { file: path });
  } catch (error) {
    file.close();
    throw error;
  }
}
