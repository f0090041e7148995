/**
 * Goal: damaged safetensors, config.json, index and tokenizer files are a coded error or a valid load, in bounded memory. Method: seeded
 * damage to bytes and to JSON values; each case reads everything a stage or a tokenizer would; a failure names its seed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Prng } from "../../src/base/prng.ts";
import { dequantiseAll } from "../../src/graph/decoder/dequantise.ts";
import { decoderFromHf } from "../../src/graph/hf-config/decoder-from-hf.ts";
import { shardNames } from "../../src/graph/hf-config/hf-weights.ts";
import { loadTokenizer } from "../../src/graph/tokenizer/tokenizer.ts";
import { countBy, guardedBytes, mutate } from "../support/mutate.ts";
import { writeTinyHf } from "../support/tiny-hf.ts";
import { outcomesOf } from "./seeded-outcomes.ts";

const FAMILY_ERRORS = [
  "safetensors-invalid",
  "model-config-invalid",
  "model-unsupported",
  "model-weights-missing",
  "tokenizer-unsupported",
];
/** What the messages of the probe may meet in a damaged template. */
const ALLOWED = [...FAMILY_ERRORS, "request-invalid", "request-unsupported"];

interface Folder {
  readonly config: string;
  readonly weights: Uint8Array;
  readonly tokenizer: string;
  readonly tokenizerConfig: string;
}

function tinyFolder(family: "llama" | "qwen2" | "qwen3"): Folder {
  const path = mkdtempSync(join(tmpdir(), "heddle-fuzz-"));
  writeTinyHf(path, { family, width: 32, layers: 1, feedForward: 32, vocabulary: 280, dtype: "BF16" });
  const text = (name: string): string => readFileSync(join(path, name), "utf8");
  const folder = {
    config: text("config.json"),
    weights: new Uint8Array(readFileSync(join(path, "model.safetensors"))),
    tokenizer: text("tokenizer.json"),
    tokenizerConfig: text("tokenizer_config.json"),
  };
  rmSync(path, { recursive: true });
  return folder;
}

function readAll({ config, weights, tokenizer, tokenizerConfig }: Folder): void {
  const source = guardedBytes(weights, 4 * weights.length + 4096);
  const texts = { tokenizer, tokenizerConfig, chatTemplate: undefined, generationConfig: undefined };
  const model = decoderFromHf({ name: "tiny", config, weights: new Map([["model.safetensors", source]]), tokenizer: texts });
  for (const name of model.weights.tensors.keys()) dequantiseAll(model.weights.read(name));
  expect(model.spec.rope.frequencies.every((frequency) => Number.isFinite(frequency))).toBe(true);
  expect(model.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  const made = loadTokenizer(model.tokenizer);
  for (const text of ["the rack runs 12 models <|im_end|>", "a".repeat(100)]) {
    const ids = made.encode(text, { addSpecial: true });
    expect(ids.every((id) => Number.isInteger(id) && id >= 0 && id < made.vocabularySize)).toBe(true);
    made.decode(ids);
  }
  if (made.hasChatTemplate) made.applyChatTemplate([{ role: "user", content: "hi" }], { addGenerationPrompt: true });
}

function fuzz(count: number, first: number, damage: (prng: Prng) => () => void): Record<string, number> {
  return countBy(outcomesOf({ first, count, allowed: ALLOWED }, (prng) => damage(prng)()));
}

const FOLDERS = (["llama", "qwen2", "qwen3"] as const).map(tinyFolder);
const one = <T>(prng: Prng, list: readonly T[]): T => list[prng.nextBelow(list.length)]!;

test("the folders are whole before they are damaged", () => {
  for (const folder of FOLDERS) readAll(folder);
});

test("1,500 safetensors files with damaged bytes", () => {
  const counts = fuzz(1500, 1, (prng) => {
    const folder = one(prng, FOLDERS);
    const weights = mutate(prng, folder.weights, 2000);
    return () => readAll({ ...folder, weights });
  });
  expect(counts["safetensors-invalid"]).toBeGreaterThan(500);
});

const TEXT_FILES = ["config", "tokenizer", "tokenizerConfig"] as const;

test("1,000 text files with damaged bytes", () => {
  const counts = fuzz(1000, 10_000, (prng) => {
    const folder = one(prng, FOLDERS);
    const file = one(prng, TEXT_FILES);
    const bytes = new TextEncoder().encode(folder[file]);
    const text = new TextDecoder().decode(mutate(prng, bytes, bytes.length));
    return () => readAll({ ...folder, [file]: text });
  });
  expect(counts["model-config-invalid"]).toBeGreaterThan(300);
  expect(counts["valid"]).toBeGreaterThan(0);
});

const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  2 ** 31,
  1e308,
  -0,
  "",
  "x",
  "default",
  [],
  [0],
  [null],
  {},
  { type: "yarn" },
];

/** Puts a wrong value somewhere into a JSON value; large tables are entered like everything else. */
function spoil(prng: Prng, value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || prng.nextBelow(4 + depth) === 0) return one(prng, VALUES);
  const keys = Object.keys(value);
  const key = keys.length === 0 || prng.nextBelow(12) === 0 ? "extra" : one(prng, keys);
  if (Array.isArray(value)) return value.map((entry, i) => (String(i) === key ? spoil(prng, entry, depth + 1) : entry));
  const { [key]: old, ...rest } = value as Record<string, unknown>;
  return prng.nextBelow(8) === 0 ? rest : { ...rest, [key]: spoil(prng, old, depth + 1) };
}

test("1,500 text files and headers with wrong values", () => {
  const counts = fuzz(1500, 20_000, (prng) => {
    const folder = one(prng, FOLDERS);
    const file = one(prng, [...TEXT_FILES, "weights"] as const);
    if (file === "weights") return () => readAll({ ...folder, weights: spoilHeader(prng, folder.weights) });
    return () => readAll({ ...folder, [file]: JSON.stringify(spoil(prng, JSON.parse(folder[file]))) ?? "" });
  });
  for (const code of FAMILY_ERRORS.filter((known) => known !== "model-weights-missing")) expect(counts[code]).toBeGreaterThan(0);
});

function spoilHeader(prng: Prng, weights: Uint8Array): Uint8Array {
  const length = Number(new DataView(weights.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(weights.subarray(8, 8 + length))) as unknown;
  const spoilt = new TextEncoder().encode(JSON.stringify(spoil(prng, header)));
  const out = new Uint8Array(8 + spoilt.length + weights.length - 8 - length);
  new DataView(out.buffer).setBigUint64(0, BigInt(spoilt.length), true);
  out.set(spoilt, 8);
  out.set(weights.subarray(8 + length), 8 + spoilt.length);
  return out;
}

test("300 damaged indices name files of the folder or fail", () => {
  const index = JSON.stringify({ weight_map: { a: "model-1-of-2.safetensors", b: "model-2-of-2.safetensors" } });
  fuzz(300, 30_000, (prng) => {
    const bytes = new TextEncoder().encode(index);
    const text = new TextDecoder().decode(mutate(prng, bytes, bytes.length));
    return () => {
      for (const name of shardNames(text)) expect(name).toMatch(/^[\w.-]+\.safetensors$/);
    };
  });
});
