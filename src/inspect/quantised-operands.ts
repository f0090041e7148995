import type { Graph, Operator, Tensor } from "../graph/ir/graph.ts";

/** Inputs that hold scales, zero points and places of groups: they say how weights are stored and are not learned. */
const DESCRIBING: Readonly<Record<string, readonly number[]>> = {
  QuantizeLinear: [1, 2],
  DequantizeLinear: [1, 2],
  QLinearMatMul: [1, 2, 4, 5, 6, 7],
  QLinearConv: [1, 2, 4, 5, 6, 7],
  QLinearAdd: [1, 2, 4, 5, 6, 7],
  QLinearMul: [1, 2, 4, 5, 6, 7],
  MatMulInteger: [2, 3],
  ConvInteger: [2, 3],
  MatMulIntegerToFloat: [2, 3, 4, 5],
  DynamicQuantizeMatMul: [2, 3],
  DynamicQuantizeLSTM: [8, 9, 10, 11],
  QGemm: [1, 2, 4, 5, 7, 8],
  QAttention: [3, 4, 6, 7],
  MatMulNBits: [2, 3, 4],
  MatMulBnb4: [2],
  GatherBlockQuantized: [2, 3],
  QMoE: [3, 6, 9, 11, 12, 13],
};

const BYTE_BITS = 8;

/** Numbers in one element of packed inputs. Source: ONNX Runtime, docs/ContribOperators.md: defaults of `bits` and `expert_weight_bits`. */
function packedPlaces(
  { type, attributes }: Operator,
  tensor: (place: number) => Tensor | undefined,
): readonly (readonly [number, number])[] {
  const perByte = (place: number, attribute: string): readonly [number, number] => {
    const bits = Number(attributes[attribute] ?? 4);
    const isBytes = tensor(place)?.type === "u8";
    return [place, isBytes && bits > 0 && bits <= BYTE_BITS ? BYTE_BITS / bits : 1];
  };
  if (type === "MatMulNBits") return [perByte(1, "bits")];
  if (type === "MatMulBnb4") return [perByte(1, "none")];
  if (type === "GatherBlockQuantized") return [perByte(0, "bits")];
  return type === "QMoE" ? [2, 5, 8].map((place) => perByte(place, "expert_weight_bits")) : [];
}

/** By how much the learned numbers of a weight differ from its elements, where they do. */
export function parameterFactors(graph: Graph, outer: ReadonlyMap<number, Tensor> = new Map()): Map<Tensor, number> {
  const factors = new Map<Tensor, number>();
  for (const operator of graph.operators) {
    if (operator.domain === "heddle") continue;
    const tensor = (place: number): Tensor | undefined => {
      const id = operator.inputs[place];
      return id === undefined ? undefined : (outer.get(id) ?? graph.tensors[id]);
    };
    const describing = Object.hasOwn(DESCRIBING, operator.type) ? (DESCRIBING[operator.type] ?? []) : [];
    for (const [place, factor] of [...describing.map((each) => [each, 0] as const), ...packedPlaces(operator, tensor)]) {
      const weight = tensor(place);
      if (weight?.origin === "weight") factors.set(weight, factor);
    }
    for (const { graph: body, captures } of operator.bodies ?? []) {
      const named = new Map(captures.map(({ outer: id, inner }) => [inner, outer.get(id) ?? graph.tensors[id]!]));
      for (const [weight, factor] of parameterFactors(body, named)) factors.set(weight, factor);
    }
  }
  return factors;
}
