// Goal: the host gives stages the right token ids, names blocks by what computed them, and keeps nothing after a request. Method: steps written by
// hand, as the engine would order them, against keys computed from the whole list.
import { describe, expect, it } from "vitest";
import type { StepTask } from "../../engine/replica-engine-types.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";
import { promptKeys, rootKey, runKeys } from "../../state/block-key.ts";
import { GREEDY, type Sampling } from "../sampling/sampling.ts";
import { createTaskBook, type TaskBook } from "./task-book.ts";

const STOP = 2;
const SCOPE = { model: "m", salt: "tenant" };
const label = (prefilled: number): string => (prefilled >= BLOCK_TOKENS ? "p" : `p:${prefilled}+d`);

function book(): TaskBook {
  return createTaskBook({ model: SCOPE.model, label, stopIds: [STOP] });
}

function submit(
  to: TaskBook,
  tokens: readonly number[],
  given: { promptTokens?: number; sampling?: Partial<Sampling>; attempt?: number } = {},
): void {
  const { attempt = 0, promptTokens = tokens.length } = given;
  to.submit(
    { type: "submit", request: 7, attempt, promptTokens: tokens.length, delivered: 0, maxNewTokens: 99, keys: [], parts: [], priority: 0 },
    { request: 7, attempt, tokens: Int32Array.from(tokens), promptTokens, salt: SCOPE.salt, sampling: { ...GREEDY, ...given.sampling } },
  );
}

function step(fields: Partial<StepTask>): StepTask {
  return { closes: [], opens: [], rows: [], seals: [], ...fields };
}

const open = { lane: 3, request: 7, attempt: 0, tokens: 8, gather: [], gatherTokens: 0 };
const tokensOf = (count: number): number[] => Array.from({ length: count }, (_, i) => 100 + i);
const row = (phase: "prefill" | "decode", start: number, count: number, sample = false) => ({ lane: 3, phase, start, count, sample });
const seal = (block: number) => ({ lane: 3, block, tokens: 64, target: { slot: block, generation: 0 } });

describe("token ids", () => {
  it("are those of the rows, and sampled ones come next", () => {
    const one = book();
    submit(one, tokensOf(5));
    expect([...one.begin(0, step({ opens: [open], rows: [row("prefill", 0, 3)] })).tokens]).toEqual([100, 101, 102]);
    expect(one.finish(0, [])).toEqual({ samples: [], sealedKeys: [], details: [] });
    const { tokens, sampling } = one.begin(1, step({ rows: [row("prefill", 3, 2, true)] }));
    expect([...tokens]).toEqual([103, 104]);
    expect(sampling).toMatchObject([{ index: 0, promptTokens: 5 }]);
    expect(one.finish(1, [{ token: 55, logprobs: undefined }]).samples).toEqual([{ token: 55, stop: false }]);
    const next = one.begin(2, step({ rows: [row("decode", 5, 1, true)] }));
    expect([...next.tokens]).toEqual([55]);
    expect(next.sampling[0]?.index).toBe(1);
  });

  it("of a later attempt count on from the prompt", () => {
    const one = book();
    submit(one, tokensOf(8), { promptTokens: 5, attempt: 2 });
    const { sampling } = one.begin(0, step({ opens: [{ ...open, attempt: 2 }], rows: [row("prefill", 0, 8, true)] }));
    expect(sampling[0]?.index).toBe(3);
  });

  it("are handed over as history only where a penalty needs them", () => {
    const one = book();
    submit(one, tokensOf(3), { sampling: { presencePenalty: 1 } });
    const { sampling } = one.begin(0, step({ opens: [open], rows: [row("prefill", 0, 3, true)] }));
    expect([...(sampling[0]?.history ?? [])]).toEqual([100, 101, 102]);
    const other = book();
    submit(other, tokensOf(3));
    expect(other.begin(0, step({ opens: [open], rows: [row("prefill", 0, 3, true)] })).sampling[0]?.history).toHaveLength(0);
  });

  it("stop where the model says so, unless the request ignores it", () => {
    for (const ignoreStop of [false, true]) {
      const one = book();
      submit(one, tokensOf(3), { sampling: { ignoreStop } });
      one.begin(0, step({ opens: [open], rows: [row("prefill", 0, 3, true)] }));
      expect(one.finish(0, [{ token: STOP, logprobs: undefined }]).samples).toEqual([{ token: STOP, stop: !ignoreStop }]);
    }
  });
});

describe("block keys", () => {
  it("of prefill are those a front end expects", () => {
    const one = book();
    const tokens = tokensOf(150);
    submit(one, tokens);
    one.begin(0, step({ opens: [open], rows: [row("prefill", 0, 100)], seals: [seal(0)] }));
    one.begin(1, step({ rows: [row("prefill", 100, 50, true)], seals: [seal(1), { ...seal(2), tokens: 16 }] }));
    const { keys, parts } = promptKeys(tokens, SCOPE, "p");
    expect(one.finish(0, []).sealedKeys).toEqual([[...parts.slice(0, 7), keys[0]]]);
    expect(one.finish(1, [{ token: 9, logprobs: undefined }]).sealedKeys).toEqual([[...parts.slice(7, 14), keys[1]], parts.slice(14)]);
  });

  it("of a block that began with gathered tokens are those of the prompt, too", () => {
    const one = book();
    const tokens = tokensOf(70);
    submit(one, tokens);
    const opened = { ...open, gather: [{ slot: 1, generation: 0 }], gatherTokens: 24 };
    one.begin(0, step({ opens: [opened], rows: [row("prefill", 24, 46, true)], seals: [seal(0)] }));
    const { keys, parts } = promptKeys(tokens, SCOPE, "p");
    expect(one.finish(0, [{ token: 9, logprobs: undefined }]).sealedKeys).toEqual([[...parts, keys[0]]]);
  });

  it("of a block that decode steps finished say where they began, and of a recomputed one what computed it", () => {
    const one = book();
    const tokens = tokensOf(62);
    submit(one, tokens);
    one.begin(0, step({ opens: [open], rows: [row("prefill", 0, 62, true)] }));
    one.finish(0, [{ token: 200, logprobs: undefined }]);
    one.begin(1, step({ rows: [row("decode", 62, 1, true)] }));
    one.finish(1, [{ token: 201, logprobs: undefined }]);
    one.begin(2, step({ rows: [row("decode", 63, 1, true)], seals: [seal(0)] }));
    const whole = [...tokens, 200, 201];
    const [pure, touched] = ["p", "p:62+d"].map((numerics) => runKeys(rootKey(SCOPE), whole, { from: 0, count: 64, numerics }));
    const mixed = [...pure!.slice(0, 7), touched![7]];
    expect(one.finish(2, [{ token: 202, logprobs: undefined }]).sealedKeys).toEqual([mixed]);
    // Preempted and computed again by prefill.
    one.begin(
      3,
      step({
        closes: [3],
        opens: [{ ...open, lane: 1 }],
        rows: [{ ...row("prefill", 0, 65, true), lane: 1 }],
        seals: [{ ...seal(0), lane: 1 }],
      }),
    );
    expect(one.finish(3, [{ token: 203, logprobs: undefined }]).sealedKeys).toEqual([pure]);
  });
});

describe("a request that ended", () => {
  it("leaves nothing; the end of an older attempt leaves the newer one", () => {
    const one = book();
    submit(one, tokensOf(3), { attempt: 1 });
    one.release(7, 0);
    expect(one.size).toBe(1);
    one.release(7, 1);
    expect(one.size).toBe(0);
  });

  it("breaks a promise where an unknown request is opened or a task ends twice", () => {
    const one = book();
    expect(() => one.begin(0, step({ opens: [open] }))).toThrow("submitted");
    submit(one, tokensOf(3));
    one.begin(1, step({ opens: [open], rows: [row("prefill", 0, 3)] }));
    one.finish(1, []);
    expect(() => one.finish(1, [])).toThrow("once");
  });
});
