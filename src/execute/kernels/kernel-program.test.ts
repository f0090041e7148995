// Goal: where rows of a step attend to one another, all keys and values of a layer are written before any row attends. Method: the records that say so,
// since threads that take rows in their order seldom meet a row that is not written yet.
import { expect, test } from "vitest";
import { type AttendPhase, shareOut } from "./kernel-program.ts";

const attend: AttendPhase = {
  ...{ kind: "attend", qkv: 0, apart: 0, keys: 0, values: 0, activations: 0, mixed: 0, heads: 6, kvHeads: 2, headDim: 16 },
  ...{ interleaved: false, cosines: 0, sines: 0, queryNorm: 0, keyNorm: 0, epsilon: 0 },
};

test.each([
  { kept: false, chunks: 0, flag: 0 },
  { kept: true, chunks: 14, flag: 1 },
])("a phase of its own writes them, and only where it is needed: $kept", ({ kept, chunks, flag }) => {
  const words = new Uint32Array(36).fill(7);
  shareOut(words, 0, { kind: "keep", of: attend }, { rows: 7, kept });
  shareOut(words, 18, attend, { rows: 7, kept });
  expect([words[0], words[18], words[18 + 17]]).toEqual([chunks, 14, flag]);
});
