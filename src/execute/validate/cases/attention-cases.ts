import type { HostTensor } from "../../device/tensor.ts";
import { drawn } from "./case-tensors.ts";
import { fixed, given, makeCase } from "./make-case.ts";
import type { OperatorCase } from "./operator-case.ts";

/** Values a head has; rotations want 16. */
const HEAD = 16;

/** Attention over a past: none and one, one sequence and two, sizes open and fixed, one new token and more. */
export function attentionCases(): readonly OperatorCase[] {
  return [
    grouped({ past: 0, tokens: 3, isOpen: false }),
    grouped({ past: 4, tokens: 1, isOpen: false }),
    grouped({ past: 0, tokens: 3, isOpen: true }),
    grouped({ past: 4, tokens: 1, isOpen: true }),
    grouped({ sequences: 2, past: 4, tokens: 1, isOpen: true }),
  ];
}

interface Attending {
  readonly sequences?: number;
  readonly past: number;
  readonly tokens: number;
  /** Whether the lengths of past and new tokens, and the number of sequences where there are more, are left open. */
  readonly isOpen: boolean;
}

function grouped({ sequences = 1, past, tokens, isOpen }: Attending): OperatorCase {
  const open = (tensor: HostTensor, axis: number, length: string) => {
    if (!isOpen) return fixed(tensor);
    return { tensor, symbols: { [axis]: length, ...(sequences === 1 ? {} : { 0: "sequences" }) } };
  };
  const fresh = (name: string, heads: number) => open(drawn(name, [sequences, tokens, heads * HEAD]), 1, "tokens");
  const before = (name: string) => open(drawn(name, [sequences, 1, past, HEAD]), 2, "past");
  const last = { type: "i32", dims: [sequences], data: new Int32Array(sequences).fill(past + tokens - 1) } as const;
  return makeCase(
    "GroupQueryAttention",
    [
      fresh("q", 2),
      fresh("k", 1),
      fresh("v", 1),
      before("past keys"),
      before("past values"),
      isOpen && sequences > 1 ? given(last, "sequences") : fixed(last),
      fixed({ type: "i32", dims: [], data: Int32Array.of(past + tokens) }),
    ],
    {
      domain: "com.microsoft",
      attributes: { num_heads: 2, kv_num_heads: 1 },
      outputs: 3,
      sumLength: 3 * HEAD,
      note: `${past === 0 ? "no past" : `past of ${past}`}, ${isOpen ? "sizes open" : "sizes fixed"}`,
    },
  );
}
