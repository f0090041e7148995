import type { GraphBuilder } from "../ir/build-graph.ts";
import type { Tensor, TensorId } from "../ir/graph.ts";
import { type Fact, UNKNOWN } from "../shapes/fact.ts";
import { invalid } from "./failures.ts";

/** Names of one graph's tensors and what is known of them. */
export interface GraphScope {
  declare(name: string, origin: Tensor["origin"], fact: Fact | undefined, label?: string): TensorId;
  /** A second name of a tensor: weights that share their storage. */
  alias(name: string, tensor: TensorId): void;
  fact(name: string): Fact | undefined;
  /** Errors: `torch-export-invalid` where nothing before the reader makes it. */
  must(name: string, reader: string): TensorId;
}

export function graphScope(builder: GraphBuilder): GraphScope {
  const ids = new Map<string, TensorId>();
  const note = (name: string, id: TensorId): void => {
    if (ids.has(name)) throw invalid(`tensor ${name.slice(0, 120)}`, "it is made twice");
    ids.set(name, id);
  };
  return {
    declare: (name, origin, fact, label = name) => {
      const { type, shape } = fact ?? UNKNOWN;
      const id = builder.tensor({ name: label, type, shape, origin });
      note(name, id);
      return id;
    },
    alias: note,
    fact: (name) => {
      const id = ids.get(name);
      return id === undefined ? undefined : builder.get(id);
    },
    must: (name, reader) => {
      const id = ids.get(name);
      if (id === undefined) throw invalid(reader, `nothing before it makes "${name.slice(0, 120)}"`);
      return id;
    },
  };
}
