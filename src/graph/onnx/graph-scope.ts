import { HeddleError } from "../../base/heddle-error.ts";
import type { GraphBuilder } from "../ir/build-graph.ts";
import type { Body, Tensor, TensorId } from "../ir/graph.ts";
import type { Fact } from "../shapes/fact.ts";
import type { DataLocation, StoredTensor } from "./tensor-data.ts";

export interface Found {
  readonly id: TensorId;
  readonly fact: Fact;
}

/** Names of one graph's tensors and what is known of them. */
export interface GraphScope {
  readonly captures: Body["captures"];
  readonly stored: readonly { readonly tensor: TensorId; readonly location: DataLocation }[];
  has(name: string): boolean;
  declare(name: string, origin: Tensor["origin"], fact: Fact): TensorId;
  store(name: string, tensor: StoredTensor): void;
  /** A tensor of this graph, or one of a graph around it, which becomes a constant here. */
  find(name: string): Found | undefined;
  must(name: string, reader: string): Found;
}

/** Errors: `onnx-invalid` where a name is made twice, or read and not made. */
export function graphScope(builder: GraphBuilder, outside: ((name: string) => Found | undefined) | undefined): GraphScope {
  const names = new Map<string, Found>();
  const captures: { outer: TensorId; inner: TensorId }[] = [];
  const stored: { tensor: TensorId; location: DataLocation }[] = [];
  const declare = (name: string, origin: Tensor["origin"], fact: Fact): TensorId => {
    if (names.has(name)) throw new HeddleError("onnx-invalid", { where: `tensor ${name.slice(0, 120)}`, detail: "it is made twice" });
    const id = builder.tensor({ name, type: fact.type, shape: fact.shape, origin });
    names.set(name, { id, fact });
    return id;
  };
  const find = (name: string): Found | undefined => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const outer = outside?.(name);
    if (outer === undefined) return undefined;
    const id = declare(name, "constant", outer.fact);
    captures.push({ outer: outer.id, inner: id });
    return { id, fact: outer.fact };
  };
  return {
    captures,
    stored,
    has: (name) => names.has(name),
    declare,
    store: (name, tensor) => {
      const id = declare(name, isLearned(tensor) ? "weight" : "constant", tensor.fact);
      if (tensor.location !== undefined) stored.push({ tensor: id, location: tensor.location });
    },
    find,
    must: (name, reader) => {
      const found = find(name);
      if (found === undefined) throw new HeddleError("onnx-invalid", { where: reader, detail: `nothing makes "${name.slice(0, 120)}"` });
      return found;
    },
  };
}

/** Numbers of a type that is learned, more than one of them; integers that are not quantised are sizes and places. */
function isLearned({ fact, elements }: StoredTensor): boolean {
  return elements > 1 && !["i64", "i32", "i16", "u64", "u32", "u16", "bool", "string", "unknown"].includes(fact.type);
}
