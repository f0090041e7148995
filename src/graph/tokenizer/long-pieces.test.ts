/** Goal: long pieces merge to the library's tokens. Method: the library's own merging of the same seeded pieces, before it is replaced. */
import { expect, test } from "vitest";
import { tinyGguf } from "../../../test/support/tiny-gguf.ts";
import { tinyHfTokenizer } from "../../../test/support/tiny-hf.ts";
import { bytesOf } from "../../base/bytes.ts";
import { seededPrng } from "../../base/prng.ts";
import { GgufFields } from "../gguf/gguf-fields.ts";
import { readGguf } from "../gguf/read-gguf.ts";
import { tokenizerFromGguf } from "../gguf/tokenizer-from-gguf.ts";
import { newLibraryTokenizer } from "./library.ts";
import { mergeLongPiecesFast } from "./long-pieces.ts";

const spm = readGguf(bytesOf(tinyGguf({ width: 32, layers: 1, vocabulary: 1200, tokenizer: "spm" }))).metadata;
const TOKENIZERS: readonly (readonly [string, unknown, string])[] = [
  ["byte-level BPE", tinyHfTokenizer(1200).tokenizerJson, "theracksmodlnĠĊ.é"],
  ["SentencePiece", tokenizerFromGguf(new GgufFields(spm)).tokenizerJson, "theracksmodln▁漢🙂."],
];

for (const [name, json, alphabet] of TOKENIZERS) {
  test(`${name}: 300 seeded pieces of 65 to 400 characters`, () => {
    const { model } = newLibraryTokenizer(json as object, {});
    const plain = model.bpe.bind(model);
    mergeLongPiecesFast(model);
    expect(model.bpe).not.toBe(plain);
    const prng = seededPrng(3);
    const letters = Array.from(alphabet);
    for (let i = 0; i < 300; i++) {
      const variety = 1 + prng.nextBelow(letters.length);
      const piece = Array.from({ length: 65 + prng.nextBelow(336) }, () => letters[prng.nextBelow(variety)]!).join("");
      expect(model.bpe(piece)).toEqual(plain(piece));
    }
  });
}
