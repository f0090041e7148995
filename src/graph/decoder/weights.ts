/** Storage formats of weights that are read today; the names are GGUF's. */
export type WeightFormat = "F32" | "F16" | "BF16" | "Q4_0" | "Q4_1" | "Q8_0" | "Q4_K" | "Q6_K";

/**
 * Names heddle gives the tensors of a decoder, whatever the file called them. `<l>` is the layer:
 * `embedding`, `head`, `final-norm`, `layers.<l>.` + one of `attention-norm`, `q`, `k`, `v`, `o`, `q-bias`, `k-bias`, `v-bias`, `q-norm`,
 * `k-norm`, `ffn-norm`, `gate`, `up`, `down`.
 */
export type TensorName = string;

/** A weight as it lies in its file. A matrix has shape [rows = outputs, columns = inputs], row-major; quantised blocks run along a row. */
export interface WeightTensor {
  readonly name: TensorName;
  readonly format: WeightFormat;
  readonly shape: readonly number[];
  /** Raw bytes of the format; a view into the file's bytes or a copy. */
  readonly data: Uint8Array;
}

export interface WeightSource {
  /** Names and shapes of all tensors, without reading their data. */
  readonly tensors: ReadonlyMap<TensorName, { readonly format: WeightFormat; readonly shape: readonly number[] }>;
  /** Reads one tensor. Errors: `model-weights-missing`. */
  read(name: TensorName): WeightTensor;
}
