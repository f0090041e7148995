/** Kinds of messages on the way from a model to what can be large in it. */
export type MessageKind =
  | "model"
  | "graph"
  | "node"
  | "attribute"
  | "tensor"
  | "sparse"
  | "function"
  | "value"
  | "type"
  | "tensor-type"
  | "shape"
  | "leaf";

/** A field that is copied as it is, one whose numbers count against the limit, or the data of a tensor. */
export type FieldUse = MessageKind | "copy" | "numbers" | "data";

/**
 * Fields the reader uses; all others (documentation, training, metadata) are left out.
 *
 * Source: onnx.proto, field numbers of ModelProto, GraphProto and so on.
 */
export const WIRE_FIELDS: Readonly<Record<Exclude<MessageKind, "leaf">, Readonly<Record<number, FieldUse>>>> = {
  model: { 1: "copy", 2: "copy", 7: "graph", 8: "leaf", 25: "function" },
  graph: { 1: "node", 2: "copy", 5: "tensor", 11: "value", 12: "value", 13: "value", 15: "sparse" },
  node: { 1: "copy", 2: "copy", 3: "copy", 4: "copy", 5: "attribute", 7: "copy", 8: "copy" },
  attribute: {
    1: "copy",
    2: "copy",
    3: "copy",
    4: "copy",
    5: "tensor",
    6: "graph",
    7: "numbers",
    8: "numbers",
    9: "copy",
    10: "tensor",
    11: "graph",
    14: "type",
    15: "type",
    20: "copy",
    21: "copy",
    22: "sparse",
    23: "sparse",
  },
  tensor: {
    1: "numbers",
    2: "copy",
    4: "data",
    5: "data",
    6: "data",
    7: "data",
    8: "copy",
    9: "data",
    10: "data",
    11: "data",
    13: "leaf",
    14: "copy",
  },
  sparse: { 1: "tensor", 3: "numbers" },
  function: { 1: "copy", 4: "copy", 5: "copy", 6: "copy", 7: "node", 9: "leaf", 10: "copy", 11: "attribute" },
  value: { 1: "copy", 2: "type" },
  type: { 1: "tensor-type" },
  "tensor-type": { 1: "copy", 2: "shape" },
  shape: { 1: "leaf" },
};
