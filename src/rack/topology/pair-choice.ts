import { mix32 } from "../../base/prng.ts";

/** One of `count` equal choices by the pair alone, as switches hash a flow's addresses. */
export function pairChoice(from: number, to: number, count: number): number {
  return mix32(Math.imul(from + 1, 0x9e3779b1) ^ (to + 1)) % count;
}
