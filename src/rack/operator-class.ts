import type { Operator } from "../graph/ir/graph.ts";

/** Operators that a device tends to be good or bad at together. */
export const OPERATOR_CLASSES = ["product", "convolution", "attention", "recurrence", "normalisation", "movement", "elementwise"] as const;
export type OperatorClass = (typeof OPERATOR_CLASSES)[number];

/** By a part of the operator's name, the first that is found; names of ONNX, ONNX Runtime, ATen and heddle. */
const NAMED: readonly (readonly [RegExp, OperatorClass])[] = [
  [/attention|sdpa/i, "attention"],
  [/conv/i, "convolution"],
  [/matmul|gemm|einsum|linear(?!ize)|addmm|bmm|^mm$|^product$|MoE|expert/i, "product"],
  [/lstm|gru|^rnn$|scan|recurrence|mamba/i, "recurrence"],
  [/norm|softmax|^reduce|^arg(max|min)$|topk|pool/i, "normalisation"],
  [
    /^(identity|reshape|flatten|squeeze|unsqueeze|transpose|expand|depthtospace|spacetodepth|slice|split|concat|tile|pad|gather|scatter|view|permute)/i,
    "movement",
  ],
];

/** The class an operator's speed is drawn for; what no name tells is `elementwise`. */
export function operatorClassOf({ type }: Pick<Operator, "type">): OperatorClass {
  return NAMED.find(([name]) => name.test(type))?.[1] ?? "elementwise";
}
