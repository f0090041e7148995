import type { AttributeValue } from "../ir/graph.ts";
import { type AttributeProto, AttributeProto_AttributeType as Kind, type NodeProto } from "./generated/onnx_pb.ts";

const utf8 = new TextDecoder();

/** Numbers, texts and lists of them; tensors and graphs are read apart. */
export function attributesOf(node: NodeProto): Record<string, AttributeValue> {
  const attributes: Record<string, AttributeValue> = Object.create(null) as Record<string, AttributeValue>;
  for (const attribute of node.attribute) {
    const value = valueOfAttribute(attribute);
    if (value !== undefined) attributes[attribute.name] = value;
  }
  return attributes;
}

function valueOfAttribute(attribute: AttributeProto): AttributeValue | undefined {
  switch (kindOf(attribute)) {
    case Kind.INT:
      return Number(attribute.i);
    case Kind.FLOAT:
      return attribute.f;
    case Kind.STRING:
      return utf8.decode(attribute.s);
    case Kind.INTS:
      return attribute.ints.map(Number);
    case Kind.FLOATS:
      return attribute.floats;
    case Kind.STRINGS:
      return attribute.strings.map((bytes) => utf8.decode(bytes));
    default:
      return undefined;
  }
}

/** Files of the first IR versions do not say the kind. */
function kindOf(attribute: AttributeProto): Kind {
  if (attribute.type !== Kind.UNDEFINED) return attribute.type;
  if (attribute.t !== undefined) return Kind.TENSOR;
  if (attribute.ints.length > 0) return Kind.INTS;
  if (attribute.floats.length > 0) return Kind.FLOATS;
  if (attribute.strings.length > 0) return Kind.STRINGS;
  if (attribute.s.length > 0) return Kind.STRING;
  return attribute.f === 0 ? Kind.INT : Kind.FLOAT;
}
