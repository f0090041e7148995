import type { GgufFile } from "../graph/gguf/gguf-file.ts";
import { constantOf } from "../graph/ir/expression.ts";
import { ELEMENT_BYTES, type Graph, type Tensor } from "../graph/ir/graph.ts";
import type { SafetensorsFile } from "../graph/safetensors/read-safetensors.ts";

/** What the files of a model hold, counted tensor by tensor. */
export interface StoredWeights {
  readonly tensors: number;
  readonly parameters: number;
  readonly bytes: number;
  /** Parameters and bytes by format, largest first. */
  readonly formats: readonly { readonly format: string; readonly parameters: number; readonly bytes: number }[];
  /** False where a format packs several parameters in an element, or scales lie beside them, so that elements are not parameters. */
  readonly exact: boolean;
}

/** Frequencies of rotary embeddings, which converters store as tensors. They follow from the configuration and are not learned. */
const NOT_LEARNED = /^rope_|rotary_emb\.inv_freq$/;
/** Types in which the hub's formats hold learned numbers one by one. */
const PLAIN: ReadonlySet<string> = new Set(["F64", "F32", "F16", "BF16"]);

/** Learned parameters of a GGUF file and their bytes, by format. */
export function storedInGguf({ tensors }: GgufFile): StoredWeights {
  return countedUp([...tensors.values()], true);
}

/** Learned parameters of safetensors files and their bytes, by format; the number is exact only where no tensor is packed. */
export function storedInSafetensors(files: Iterable<SafetensorsFile>): StoredWeights {
  const all = [...files].flatMap(({ tensors }) =>
    [...tensors].map(([name, { type, shape, byteLength }]) => ({ name, format: type, shape, byteLength })),
  );
  return countedUp(
    all,
    all.every(({ format }) => PLAIN.has(format)),
  );
}

/** Everything a graph stores, constants and tensors of graphs inside operators included; what operators compute is not stored. */
export function storedInGraph(graph: Graph): StoredWeights {
  const tensors = storedTensorsOf(graph, new Set());
  return countedUp(
    tensors.map(({ name, type, shape = [] }) => {
      const sizes = shape.map((size) => constantOf(size) ?? 0);
      const elements = sizes.reduce((product, size) => product * size, 1);
      return { name, format: type, shape: sizes, byteLength: Math.ceil(elements * ELEMENT_BYTES[type]) };
    }),
    tensors.every(({ type, origin }) => origin === "constant" || PLAIN_TYPES.has(type)),
  );
}

const PLAIN_TYPES: ReadonlySet<string> = new Set(["f64", "f32", "f16", "bf16"]);

/** A constant that an operator makes, or that stands for a tensor of the graph around, is stored nowhere. */
function storedTensorsOf(graph: Graph, captured: ReadonlySet<number>): readonly Tensor[] {
  const own = graph.tensors.filter(({ origin }, id) => origin === "weight" || (origin === "constant" && !captured.has(id)));
  const inner = graph.operators.flatMap(({ bodies = [] }) =>
    bodies.flatMap((body) => storedTensorsOf(body.graph, new Set(body.captures.map(({ inner: id }) => id)))),
  );
  return [...own, ...inner];
}

interface Counted {
  readonly name: string;
  readonly format: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

function countedUp(all: readonly Counted[], exact: boolean): StoredWeights {
  const learned = all.filter(({ name }) => !NOT_LEARNED.test(name));
  const formats = new Map<string, { format: string; parameters: number; bytes: number }>();
  for (const { format, shape, byteLength } of learned) {
    const sums = formats.get(format) ?? { format, parameters: 0, bytes: 0 };
    sums.parameters += shape.reduce((product, size) => product * size, 1);
    sums.bytes += byteLength;
    formats.set(format, sums);
  }
  const sorted = [...formats.values()].sort((a, b) => b.bytes - a.bytes);
  const sum = (field: "parameters" | "bytes"): number => sorted.reduce((total, entry) => total + entry[field], 0);
  return { tensors: learned.length, parameters: sum("parameters"), bytes: sum("bytes"), formats: sorted, exact };
}
