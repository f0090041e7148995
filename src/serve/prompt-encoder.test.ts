// Goal: prompts that fit are encoded as ever, those that cannot are refused early. Method: the tiny model's tokenizer and texts of many lengths; how
// much was tokenised is counted, not timed.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { writeTinyGguf } from "../../test/support/tiny-gguf.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { loadTokenizer, type Tokenizer } from "../graph/tokenizer/tokenizer.ts";
import { promptEncoder } from "./prompt-encoder.ts";

const CONTEXT = 2_000;
const plain = loadTokenizer(openDecoderModel(writeTinyGguf(join(mkdtempSync(join(tmpdir(), "heddle-encoder-")), "tiny.gguf"))).tokenizer);
let tokenised = 0;
const counting: Tokenizer = {
  ...plain,
  encode: (text, options) => {
    tokenised += text.length;
    return plain.encode(text, options);
  },
};
const encoder = promptEncoder(counting, CONTEXT);

it("encodes what may fit exactly as the tokenizer does", () => {
  for (const length of [1, 100, 1_999, 2_000, 5_000, 8_500]) {
    const text = "some words and 123 \u{1f642} ".repeat(length).slice(0, length);
    const got = ((): number[] | undefined => {
      try {
        return encoder.text(text);
      } catch {
        return undefined;
      }
    })();
    const ids = plain.encode(text, { addSpecial: true });
    if (ids.length <= CONTEXT) expect(got).toEqual(ids);
    else expect([undefined, ids]).toContainEqual(got);
  }
});

it("refuses a text that is far too long after a small part of it", () => {
  tokenised = 0;
  expect(() => encoder.text("7".repeat(400_000))).toThrow(expect.objectContaining({ code: "prompt-too-long" }));
  expect(tokenised).toBeLessThan(40_000);
});

it("renders a chat with the template and leaves it to end where the answer begins", () => {
  const text = plain.decode(encoder.chat([{ role: "user", content: "Hi" }]));
  expect(text).toContain("user\nHi");
  expect(text.trimEnd().endsWith("assistant")).toBe(true);
});
