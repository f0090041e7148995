/**
 * Writes this folder's files from a GGUF file of SmolLM2, with llama.cpp's tokens. Run with Node 22.18 or later:
 * `node test/golden/tokens/write-golden.ts <SmolLM2-135M-Instruct.Q4_1.gguf>`.
 */
import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { openFileBytes } from "../../../src/execute/file-bytes.ts";
import { readGguf } from "../../../src/graph/gguf/read-gguf.ts";
import { loadPeer } from "../../support/llama-peer.ts";
import { variedStrings } from "../../support/varied-strings.ts";

const path = process.argv[2] ?? "";
const { metadata } = readGguf(openFileBytes(path));
const tokens = metadata.get("tokenizer.ggml.tokens") as string[];
const merges = metadata.get("tokenizer.ggml.merges") as string[];
const first = tokens.length - merges.length;
const kinds = metadata.get("tokenizer.ggml.token_type") as Int32Array;
const peer = await loadPeer(path);
const lines = variedStrings(260).map((text) => {
  const special = peer.tokenize(text, true).join(" ");
  const plain = peer.tokenize(text, false).join(" ");
  return JSON.stringify(special === plain ? [text, special] : [text, special, plain]);
});
await peer.dispose();
const vocabulary = { firstTokens: tokens.slice(0, first), kinds: [...kinds.slice(0, first)], merges };
const folder = new URL("./", import.meta.url);
writeFileSync(new URL("smollm2-strings.jsonl", folder), `${lines.join("\n")}\n`);
writeFileSync(new URL("smollm2-vocabulary.json.gz", folder), gzipSync(JSON.stringify(vocabulary), { level: 9 }));
process.stdout.write(`${lines.length} strings, ${merges.length} merges\n`);
