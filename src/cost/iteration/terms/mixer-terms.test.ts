/** Goal: a decode step of a mixer runs all its kernels. Method: bytes of each by hand, on a small mixer. */
import { expect, it } from "vitest";
import type { Mamba2 } from "../../../graph/architecture/mamba2.ts";
import { ONE_DEVICE } from "../cut.ts";
import { mixerTerms } from "./attention-terms.ts";

const MIXER: Mamba2 = { kind: "mamba2", heads: 2, headDim: 4, stateSize: 8, groups: 1, kernel: 4, convolutionBias: false, bias: false };

it("a decode step reads and writes the state, the last tokens of the convolution and the gated norm, each by a kernel of its own", () => {
  const site = {
    width: 16,
    cut: ONE_DEVICE,
    formats: { weights: "bf16", kv: "bf16" },
    perNode: 8,
    perDecode: 1,
    load: "balanced",
  } as const;
  const decode = mixerTerms(site, MIXER, 3).flatMap((term) => (term.over === "decode" ? [{ ...term, asked: term.queries(5, 100) }] : []));
  // 8 inner elements of 8 states in 4 bytes, twice; 24 mixed ones of 4 tokens in 2 bytes, twice; 8 inner ones in 2 bytes, three times.
  const bytes = decode.map(({ asked }) => asked.map((query) => (query.op === "stream" ? query.bytes : 0)));
  expect(bytes).toEqual([[5 * 512], [5 * 384], [5 * 48]]);
  expect(decode.every(({ repeat, name }) => repeat === 3 && name === "mixer")).toBe(true);
});
