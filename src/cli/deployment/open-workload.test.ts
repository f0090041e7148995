// Goal: an option that a workload does not need is refused. Method: files of numbers and of texts, with and without a tokenizer.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { writeTinyHf } from "../../../test/support/tiny-hf.ts";
import { openWorkload } from "./open-workload.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-workload-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tokenizer = join(writeTinyHf(join(folder, "model")), "tokenizer.json");
const numbers = join(folder, "numbers.jsonl");
writeFileSync(numbers, '{"at_ms":0,"prompt_tokens":5,"output_tokens":2}\n');
const texts = join(folder, "texts.json");
const said = [
  { from: "human", value: "abc" },
  { from: "gpt", value: "de" },
];
writeFileSync(texts, JSON.stringify([{ id: "a", conversations: said }]));
const GENERATED = "poisson:rate=2,prompt=5,output=2,seconds=5";

it("a tokenizer counts texts, and is refused where there are none", () => {
  expect(openWorkload(texts, { tokenizer }).requests.count).toBe(1);
  expect(openWorkload(numbers, {}).requests.count).toBe(1);
  const refused = expect.objectContaining({ code: "usage", where: "--tokenizer" });
  expect(() => openWorkload(numbers, { tokenizer })).toThrow(refused);
  expect(() => openWorkload(GENERATED, { tokenizer })).toThrow(refused);
  expect(() => openWorkload(GENERATED, { tokenizer, lengths: numbers })).toThrow(refused);
});

it("says which kinds are generated where one is misspelt, and that a file is missing where a path is", () => {
  const misspelt = expect.objectContaining({ code: "workload-invalid", detail: expect.stringMatching(/^poison is .* of poisson, gamma/) });
  expect(() => openWorkload(GENERATED.replace("poisson", "poison"), {})).toThrow(misspelt);
  expect(() => openWorkload("nowhere.jsonl", {})).toThrow(expect.objectContaining({ code: "file-unreadable" }));
});
