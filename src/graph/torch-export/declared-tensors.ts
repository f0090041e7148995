import type { Fact } from "../shapes/fact.ts";
import { invalid } from "./failures.ts";
import { type Fields, fieldsOf, listOf, own, wholeOf } from "./json-fields.ts";
import { typeOfScalar } from "./scalar-types.ts";
import type { Sizes } from "./sizes.ts";

const MAX_DIMENSIONS = 64;

/** Type and shape that a TensorMeta states. Source: torch/_export/serde/schema.py. */
export function declaredFact(meta: unknown, sizes: Sizes, where: string): Fact {
  const fields = fieldsOf(meta, where);
  const shape = listOf(fields["sizes"], where);
  if (shape.length > MAX_DIMENSIONS) throw invalid(where, `${shape.length} dimensions`);
  return { type: typeOfScalar(wholeOf(fields["dtype"], where)), shape: shape.map((size) => sizes.extent(size, where)) };
}

/** What the archive states of a graph's tensors, read when it is asked for. */
export function declaredTensors(graph: Fields, sizes: Sizes): (name: string) => Fact | undefined {
  const values = own(graph, "tensor_values");
  const metas = values === undefined ? {} : fieldsOf(values, "tensor_values");
  return (name) => {
    const meta = own(metas, name);
    return meta === undefined ? undefined : declaredFact(meta, sizes, `tensor ${name.slice(0, 120)}`);
  };
}

/** What our rule says and what the archive states, brought together: the archive's shape, checked. Errors: `torch-export-invalid`. */
export function agreed(inferred: Fact | undefined, stated: Fact | undefined, sizes: Sizes, where: string): Fact | undefined {
  if (inferred === undefined || stated === undefined) return stated ?? inferred;
  if (inferred.type !== "unknown" && stated.type !== "unknown" && inferred.type !== stated.type) {
    throw invalid(where, `it is stated as ${stated.type} and comes out as ${inferred.type}`);
  }
  const [own, said] = [inferred.shape, stated.shape];
  if (own !== undefined && said !== undefined) {
    if (own.length !== said.length) throw invalid(where, `it is stated with ${said.length} dimensions and comes out with ${own.length}`);
    own.forEach((size, axis) => {
      if (!sizes.mayBeEqual(size, said[axis]!)) throw invalid(where, `its stated size at dimension ${axis} is not what comes out`);
    });
  }
  return { type: stated.type === "unknown" ? inferred.type : stated.type, shape: said ?? own };
}
