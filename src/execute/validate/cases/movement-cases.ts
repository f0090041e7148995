import { drawn, floats, ints } from "./case-tensors.ts";
import { fixed, given, makeCase, stored } from "./make-case.ts";
import type { OperatorCase } from "./operator-case.ts";

/** Operators that move elements: every result must be equal, whatever the format. */
export function movementCases(): readonly OperatorCase[] {
  const x = given(drawn("x", [3, 4, 5], { draw: "eighths" }));
  const wholes = given(drawn("x", [3, 4, 5], { type: "i64", below: 1000 }));
  return [x, wholes].flatMap((input) => [
    makeCase("Transpose", [input], { attributes: { perm: [0, 2, 1] } }),
    makeCase("Transpose", [input], { attributes: { perm: [2, 0, 1] }, note: "rows inside" }),
    makeCase("Reshape", [input, stored(ints([-1, 20]))]),
    makeCase("Reshape", [input, stored(ints([0, 2, 2, 5]))]),
    makeCase("Flatten", [input]),
    makeCase("Unsqueeze", [input, stored(ints([1]))]),
    makeCase("Squeeze", [given(drawn("y", [3, 1, 5], { draw: "eighths" })), stored(ints([1]))]),
    makeCase("Concat", [input, input], { attributes: { axis: 1 } }),
    makeCase("Concat", [input, input], { attributes: { axis: 0 }, note: "along rows" }),
    makeCase("Split", [input, stored(ints([1, 3]))], { attributes: { axis: 1 }, outputs: 2 }),
    makeCase("Slice", [input, stored(ints([1])), stored(ints([4])), stored(ints([2])), stored(ints([2]))]),
    makeCase("Slice", [input, stored(ints([-1])), stored(ints([-10])), stored(ints([1])), stored(ints([-1]))], { note: "backwards" }),
    makeCase("Gather", [input, fixed(ints([1, 0, -1]))], { attributes: { axis: 1 } }),
    makeCase("Gather", [stored(drawn("table", [9, 4], { draw: "eighths" })), given(drawn("ids", [3, 2], { type: "i64", below: 9 }))], {
      note: "a table",
    }),
    makeCase("GatherElements", [input, given(drawn("ids", [3, 4, 5], { type: "i64", below: 4 }))], { attributes: { axis: 1 } }),
    makeCase("Expand", [given(drawn("y", [3, 1, 5], { draw: "eighths" })), stored(ints([1, 4, 1]))]),
    makeCase("Tile", [input, stored(ints([1, 2, 3]))]),
    makeCase("Shape", [input]),
    makeCase("Pad", [given(drawn("y", [3, 4, 5], { draw: "eighths" })), stored(ints([0, 1, 0, 0, 2, 1])), stored(floats([], [1.5]))]),
    makeCase("DepthToSpace", [given(drawn("image", [2, 8, 3, 5], { draw: "eighths" }))], { attributes: { blocksize: 2 } }),
  ]);
}
