import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What PyTorch says of a sample. Written by scripts/make_pt2_samples.py. */
export interface Pt2Facts {
  readonly parameters: number;
  /** Sizes that its symbols had in the run. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Shape and element type of every tensor of the run. */
  readonly tensors: Readonly<Record<string, readonly [readonly number[], string]>>;
  /** Operations of each operator whose count is not 0. */
  readonly flops: Readonly<Record<string, number>>;
}

export interface Pt2Sample extends Pt2Facts {
  readonly file: string;
  readonly bytes: Uint8Array;
}

const FOLDER = join(import.meta.dirname, "pt2");

/** Archives of torch 2.15.0 and 2.6.0. */
export function pt2Samples(): readonly Pt2Sample[] {
  return ["expected.json", "expected-old.json"].flatMap((name) => {
    const { files } = JSON.parse(readFileSync(join(FOLDER, name), "utf8")) as { files: Record<string, Pt2Facts> };
    return Object.entries(files).map(([file, facts]) => ({ ...facts, file, bytes: pt2Sample(file) }));
  });
}

/** A copy of its own: parts of a Buffer would share its memory. */
export function pt2Sample(file: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FOLDER, file)));
}

/** Element types by PyTorch's names, as far as samples have them. */
export const TORCH_TYPES: Readonly<Record<string, string>> = {
  float64: "f64",
  float32: "f32",
  float16: "f16",
  int64: "i64",
  int32: "i32",
  int16: "i16",
  uint8: "u8",
  bool: "bool",
};
