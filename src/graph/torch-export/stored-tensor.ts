import { constantOf } from "../ir/expression.ts";
import { ELEMENT_BYTES } from "../ir/graph.ts";
import type { Fact } from "../shapes/fact.ts";
import type { Payload } from "./archive.ts";
import { agreed, declaredFact } from "./declared-tensors.ts";
import { invalid } from "./failures.ts";
import { fieldsOf, listOf } from "./json-fields.ts";
import type { Sizes } from "./sizes.ts";

/** Where a weight's bytes lie: an entry of the archive, which tensors may share. */
export interface StoredLocation {
  readonly entry: string;
  /** Bytes of the entry. */
  readonly byteLength: number;
}

/** What the archive's list of weights says of a tensor, checked against its graph and the entry's size. Errors: `torch-export-invalid`. */
export function checkPayload(payload: Payload, stated: Fact | undefined, sizes: Sizes, where: string): Fact | undefined {
  if (payload.meta === undefined || payload.isPickled) return stated;
  const fact = agreed(declaredFact(payload.meta, sizes, where), stated, sizes, where)!;
  const fields = fieldsOf(payload.meta, where);
  const known = (value: unknown): number => {
    const size = constantOf(sizes.read(value, where));
    if (size === undefined || !(size >= 0)) throw invalid(where, "a weight has sizes that are not known");
    return size;
  };
  const [shape, strides] = [listOf(fields["sizes"], where).map(known), listOf(fields["strides"], where).map(known)];
  if (shape.length !== strides.length) throw invalid(where, `${strides.length} strides for ${shape.length} dimensions`);
  const isEmpty = shape.includes(0);
  const last = shape.reduce((place, size, axis) => place + (size - 1) * strides[axis]!, known(fields["storage_offset"]));
  const bytes = isEmpty ? 0 : (last + 1) * ELEMENT_BYTES[fact.type];
  if (bytes > payload.entry.byteLength) throw invalid(where, `it needs ${bytes} bytes and its entry has ${payload.entry.byteLength}`);
  return fact;
}
