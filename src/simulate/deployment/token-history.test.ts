// Goal: gaps between tokens are those of each sequence, whatever runs in between. Method: a few iterations by hand.
import { expect, it } from "vitest";
import { type IterationTokens, tokenHistory } from "./token-history.ts";

/** Gaps that each iteration ends, as `gap x sequences`, and the sequences whose last token was elsewhere. */
function told(...iterations: readonly (readonly [endNs: number, tokens: Partial<IterationTokens>])[]) {
  const history = tokenHistory();
  return iterations.map(([endNs, tokens]) => {
    const gaps: string[] = [];
    const elsewhere = history.iteration(endNs, { decodes: 0, firsts: 0, ended: 0, ...tokens }, (gap, count) =>
      gaps.push(`${gap} x ${count}`),
    );
    return [...gaps, ...(elsewhere === 0 ? [] : [`? x ${elsewhere}`])].join(", ");
  });
}

it("are told of decodes that wait for prompts, and of those whose prompts they were", () => {
  const lines = told(
    [10, { firsts: 2 }],
    [15, { decodes: 2 }],
    [40, { firsts: 3, ended: 1 }],
    [45, { decodes: 4, ended: 2 }],
    [52, { decodes: 2 }],
  );
  expect(lines).toEqual(["", "5 x 2", "", "5 x 2, 30 x 2", "7 x 2"]);
});

it("are told where prompts and decodes share iterations", () => {
  expect(
    told([10, { firsts: 1 }], [20, { decodes: 1, firsts: 2 }], [26, { decodes: 3, ended: 3 }], [90, { firsts: 1 }], [95, { decodes: 1 }]),
  ).toEqual(["", "10 x 1", "6 x 3", "", "5 x 1"]);
});

it("are left open of sequences that came from elsewhere", () => {
  expect(told([5, { decodes: 2 }], [9, { decodes: 3, ended: 3 }], [30, { decodes: 1 }])).toEqual(["? x 2", "4 x 2, ? x 1", "? x 1"]);
});
