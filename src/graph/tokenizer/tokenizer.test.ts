/**
 * Goal: the tokens are llama.cpp's, whatever the text; streams never break a character; long texts stay cheap.
 * Method: stored ids of llama.cpp for SmolLM2's vocabulary; llama.cpp itself on tiny files of every pre-tokenizer; round trips.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { loadPeer } from "../../../test/support/llama-peer.ts";
import { tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { tinyHfTokenizer } from "../../../test/support/tiny-hf.ts";
import { variedStrings } from "../../../test/support/varied-strings.ts";
import { bytesOf } from "../../base/bytes.ts";
import { GgufFields } from "../gguf/gguf-fields.ts";
import type { GgufValue } from "../gguf/gguf-file.ts";
import { readGguf } from "../gguf/read-gguf.ts";
import { tokenizerFromGguf } from "../gguf/tokenizer-from-gguf.ts";
import { loadTokenizer, type Tokenizer } from "./tokenizer.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-tokens-"));
afterAll(() => rmSync(folder, { recursive: true }));

function tokenizerOf(metadata: ReadonlyMap<string, GgufValue>): Tokenizer {
  return loadTokenizer(tokenizerFromGguf(new GgufFields(metadata)));
}

function tinyTokenizer(options: Parameters<typeof tinyGguf>[0]): { tokenizer: Tokenizer; bytes: Uint8Array } {
  const bytes = tinyGguf({ width: 32, layers: 1, vocabulary: 1200, ...options });
  return { tokenizer: tokenizerOf(readGguf(bytesOf(bytes)).metadata), bytes };
}

function smollm2(): Tokenizer {
  const path = new URL("../../../test/golden/tokens/smollm2-vocabulary.json.gz", import.meta.url);
  const stored = JSON.parse(gunzipSync(readFileSync(path)).toString()) as { firstTokens: string[]; kinds: number[]; merges: string[] };
  const merged = stored.merges.map((merge) => merge.replace(" ", ""));
  return tokenizerOf(
    new Map<string, GgufValue>([
      ["tokenizer.ggml.model", "gpt2"],
      ["tokenizer.ggml.pre", "smollm"],
      ["tokenizer.ggml.tokens", [...stored.firstTokens, ...merged]],
      ["tokenizer.ggml.token_type", Int32Array.from([...stored.kinds, ...merged.map(() => 1)])],
      ["tokenizer.ggml.merges", stored.merges],
    ]),
  );
}

/** A surrogate without its other half. */
const HALF_CHARACTER = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

describe("SmolLM2", () => {
  const tokenizer = smollm2();
  const lines = readFileSync(new URL("../../../test/golden/tokens/smollm2-strings.jsonl", import.meta.url), "utf8")
    .trimEnd()
    .split("\n");
  const stored = lines.map((line) => JSON.parse(line) as [string, string, string?]);

  test(`${stored.length} stored texts have llama.cpp's tokens and come back`, () => {
    expect(stored.length).toBeGreaterThanOrEqual(200);
    expect(tokenizer.vocabularySize).toBe(49152);
    for (const [text, special, plain = special] of stored) {
      expect(tokenizer.encode(text, { addSpecial: false }).join(" ")).toBe(special);
      const ids = tokenizer.encode(text, { addSpecial: false, parseSpecial: false });
      expect(ids.join(" ")).toBe(plain);
      expect(tokenizer.decode(ids)).toBe(text);
    }
  });

  test("a stream gives whole characters only, and all of the text", () => {
    for (const [text] of stored.slice(0, 70)) {
      const stream = tokenizer.streamDecoder();
      const parts = tokenizer.encode(text, { addSpecial: false, parseSpecial: false }).map((id) => stream.push(id));
      expect(parts.join("") + stream.flush()).toBe(text);
      for (const part of parts) expect(part).not.toMatch(HALF_CHARACTER);
    }
    const [first = 0] = tokenizer.encode("🙂", { addSpecial: false });
    const cut = tokenizer.streamDecoder();
    expect([cut.push(first), cut.flush()]).toEqual(["", "\ufffd"]);
  });

  test("long texts of every kind come back, and one that is too long is refused", () => {
    for (const piece of ["a", "ab", " ", "\n", "漢", "🙂", "é", "!?", "<|im_", "word "]) {
      const text = piece.repeat(100_000 / piece.length);
      expect(tokenizer.decode(tokenizer.encode(text, { addSpecial: false }))).toBe(text);
    }
    expect(() => tokenizer.encode("a".repeat(3e6), { addSpecial: false })).toThrow(expect.objectContaining({ code: "prompt-too-long" }));
  });
});

describe("llama.cpp on the same file", () => {
  const cases = [
    ...["smollm", "gpt-2", "default", "llama-bpe", "qwen2"].map((pre) => ({ name: pre, options: { pre } })),
    { name: "SentencePiece", options: { tokenizer: "spm" as const } },
  ];
  for (const { name, options } of cases) {
    test(`${name}: the same tokens for 270 texts, special tokens parsed or not`, async () => {
      const { tokenizer, bytes } = tinyTokenizer(options);
      const path = join(folder, `${name}.gguf`);
      writeFileSync(path, bytes);
      const peer = await loadPeer(path);
      for (const text of variedStrings(200, 23)) {
        for (const parseSpecial of [true, false]) {
          expect(tokenizer.encode(text, { addSpecial: false, parseSpecial })).toEqual(peer.tokenize(text, parseSpecial));
        }
        expect(tokenizer.decode(tokenizer.encode(text, { addSpecial: true, parseSpecial: false }))).toBe(text);
      }
      await peer.dispose();
    });
  }
});

test("the begin token goes before prompts of models that want one, not before chats", () => {
  const { tokenizer } = tinyTokenizer({ tokenizer: "spm" });
  expect(tokenizer.encode("a model", { addSpecial: true })[0]).toBe(1);
  expect(tokenizer.encode("a model", { addSpecial: false })[0]).not.toBe(1);
  expect(tokenizer.encode("", { addSpecial: true })).toEqual([1]);
});

test("chat template: text of the messages, errors by code", () => {
  const { tokenizer } = tinyTokenizer({});
  const text = tokenizer.applyChatTemplate([{ role: "user", content: "hi <|im_end|>" }], { addGenerationPrompt: true });
  expect(text).toBe("<|im_start|>user\nhi <|im_end|><|im_end|>\n<|im_start|>assistant\n");
  expect(tokenizer.encode(text, { addSpecial: false }).filter((id) => tokenizer.isSpecial(id))).toEqual([1, 2, 2, 1]);
  const withTemplate = (template: string): Tokenizer => {
    const { metadata } = readGguf(
      bytesOf(tinyGguf({ width: 32, layers: 1, metadata: { "tokenizer.chat_template": { string: template } } })),
    );
    return tokenizerOf(metadata);
  };
  const apply = (template: string): string => withTemplate(template).applyChatTemplate([], { addGenerationPrompt: false });
  expect(apply("{{ bos_token }}{% for i in range(3) %}{{ i }}{% endfor %}{{ strftime_now is defined }}")).toBe("<|im_start|>012false");
  expect(() => apply("{{ raise_exception('no system message') }}")).toThrow(expect.objectContaining({ code: "request-invalid" }));
  expect(() => apply("{% for i in range(1000000000) %}{% endfor %}")).toThrow(expect.objectContaining({ code: "request-invalid" }));
  expect(() => apply("{% for %}")).toThrow(expect.objectContaining({ code: "tokenizer-unsupported" }));
});

test("tokenizer.json of a Hugging Face folder gives the tokens of the GGUF form", () => {
  const { tokenizer } = tinyTokenizer({ pre: "gpt-2" });
  const hf = loadTokenizer(tinyHfTokenizer(1200));
  for (const text of variedStrings(50).filter((candidate) => !/\p{N}/u.test(candidate))) {
    expect(hf.encode(text, { addSpecial: false })).toEqual(tokenizer.encode(text, { addSpecial: false }));
    expect(hf.decode(hf.encode(text, { addSpecial: false, parseSpecial: false }))).toBe(text);
  }
});

const REFUSED: readonly (readonly [string, Parameters<typeof tinyGguf>[0], string])[] = [
  ["an unknown model", { metadata: { "tokenizer.ggml.model": { string: "bert" } } }, "tokenizer-unsupported"],
  ["an unknown pre-tokenizer", { pre: "tekken" }, "tokenizer-unsupported"],
  ["no merges", { metadata: { "tokenizer.ggml.merges": { u32: 1 } } }, "gguf-invalid"],
  ["a begin token outside", { metadata: { "tokenizer.ggml.bos_token_id": { u32: 5000 } } }, "gguf-invalid"],
  ["too few kinds", { metadata: { "tokenizer.ggml.token_type": { i32s: [1] } } }, "gguf-invalid"],
];
for (const [name, options, code] of REFUSED) {
  test(`${name} is ${code}`, () => {
    expect(() => tinyTokenizer(options)).toThrow(expect.objectContaining({ code }));
  });
}
