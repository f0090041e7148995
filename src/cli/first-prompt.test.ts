// Goal: a signal ends the first prompt with `interrupted`, whenever it comes. Method: a tiny model; the signal is aborted before and between tokens.
import { rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { tinyLive } from "../../test/support/tiny-live.ts";
import { HeddleError } from "../base/heddle-error.ts";
import type { GenerateOptions, TextFront } from "../execute/front-end/text-front.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { firstPromptText, measureFirstPrompt } from "./first-prompt.ts";
import { type ServingStack, startStack } from "./serving-stack.ts";

describe("first prompt", async () => {
  const live = tinyLive({ model: { layers: 2, contextLength: 1024 }, contextLimit: 1024 });
  const model = openDecoderModel(live.plan.model.path);
  const stack = startStack({ plan: live.plan, model, rack: live.costs[0]!.rack, ledger: undefined });
  await stack.fleet.up();
  afterAll(async () => {
    await stack.fleet.close();
    rmSync(live.folder, { recursive: true, force: true });
  });

  it("is measured beside its prediction", async () => {
    const first = await measureFirstPrompt(stack, new AbortController().signal);
    expect([first?.promptTokens, first?.outputTokens]).toEqual([512, 33]);
    expect(firstPromptText(first!)).toContain("time to first token");
  });

  it("is interrupted before it begins", async () => {
    const signal = AbortSignal.abort(new HeddleError("interrupted"));
    await expect(measureFirstPrompt(stack, signal)).rejects.toMatchObject({ code: "interrupted" });
  });

  // Tokens of the warm-up are 1 to 4, those of the prompt that is timed come after them.
  it.each([1, 4, 5, 20])("is interrupted at token %i", async (at) => {
    const controller = new AbortController();
    let tokens = 0;
    const watched = watchedStack(stack, () => {
      tokens += 1;
      if (tokens === at) controller.abort(new HeddleError("interrupted"));
    });
    await expect(measureFirstPrompt(watched, controller.signal)).rejects.toMatchObject({ code: "interrupted" });
  });
});

/** The same stack; `onToken` is told of every token. */
function watchedStack(stack: ServingStack, onToken: () => void): ServingStack {
  const generate: TextFront["generate"] = (request, options: GenerateOptions) =>
    stack.front.generate(request, {
      ...options,
      onToken: () => {
        options.onToken?.();
        onToken();
      },
    });
  return { ...stack, front: { ...stack.front, generate } };
}
