// Goal: each workload format gives the requests it states, and each fault its line and field. Method: short texts by hand; statistics of draws.
import { describe, expect, test } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import { mean } from "../../base/statistics.ts";
import { writeHeddleRequest } from "./heddle-jsonl.ts";
import { createPrefixKeys, syntheticPrompt } from "./prefix-keys.ts";
import { generateWorkload, readWorkload } from "./read-workload.ts";
import type { Workload } from "./workload.ts";

const read = (text: string): Workload => readWorkload(new TextEncoder().encode(text));

function fault(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "workload-invalid") return `${thrown.where}: ${thrown.detail}`;
    throw thrown;
  }
  return "no fault";
}

describe("heddle JSONL", () => {
  const lines = [
    '{"at_ms": 1500.25, "prompt_tokens": 10, "output_tokens": 2}',
    "",
    '{"at_ms": 0, "prompt_tokens": 200, "output_tokens": 5, "prefix_group": "system", "prefix_tokens": 130}',
    '{"at_ms": 0, "prompt_tokens": 130, "output_tokens": 1, "hash_ids": [7, 9], "hash_block_tokens": 128}',
  ];

  test("requests come in order of arrival", () => {
    const { requests, source } = read(lines.join("\r\n"));
    expect(source).toBe("heddle JSONL");
    expect(requests).toEqual([
      { atNs: 0, promptTokens: 200, outputTokens: 5, shared: { type: "group", group: "system", tokens: 130 } },
      { atNs: 0, promptTokens: 130, outputTokens: 1, shared: { type: "blocks", ids: [7, 9], blockTokens: 128 } },
      { atNs: 1_500_250_000, promptTokens: 10, outputTokens: 2 },
    ]);
    expect(read(requests.map(writeHeddleRequest).join("\n")).requests).toEqual(requests);
  });

  test.each([
    ['{"at_ms": 0, "prompt_tokens": 10}', "line 1, field output_tokens: is missing"],
    ['\n{"at_ms": -1, "prompt_tokens": 10, "output_tokens": 1}', "line 2, field at_ms: is -1"],
    ['{"at_ms": 0, "prompt_tokens": 1.5, "output_tokens": 1}', "line 1, field prompt_tokens: is 1.5"],
    ['{"at_ms": 0, "prompt_tokens": 9, "output_tokens": 1, "stop": 3}', 'line 1, field "stop": is not known'],
    ['{"at_ms": 0, "prompt_tokens": 9, "output_tokens": 1, "hash_ids": [1, 2]}', "line 1, field hash_ids: 2 ids, but 9 tokens"],
    ['{"at_ms": 0, "prompt_tokens": 9, "output_tokens": 1, "hash_ids": [-1]}', "line 1, field hash_ids: an id is"],
    ['{"at_ms": 0, "prompt_tokens": 9, "output_tokens": 1, "prefix_tokens": 4}', "line 1, field prefix_tokens: says nothing"],
    [
      '{"at_ms": 0, "prompt_tokens": 9, "output_tokens": 1, "prefix_group": "a", "prefix_tokens": 10}',
      "line 1, field prefix_tokens: is 10, longer",
    ],
    ['{"at_ms": 0,', "line 1: is not JSON"],
    ["", "the whole text: holds no request"],
    ["[1]", "line 1: is neither"],
  ])("%s", (text, expected) => {
    expect(fault(() => read(text))).toContain(expected);
  });
});

test("Mooncake JSONL: times in ms, hash ids of 512 tokens", () => {
  const { requests, source } = read('{"timestamp": 3000, "input_length": 600, "output_length": 4, "hash_ids": [0, 14]}\n');
  expect(source).toBe("Mooncake JSONL");
  expect(requests).toEqual([{ atNs: 3e9, promptTokens: 600, outputTokens: 4, shared: { type: "blocks", ids: [0, 14], blockTokens: 512 } }]);
  expect(fault(() => read('{"timestamp": 0, "input_length": "x", "output_length": 4}'))).toContain("line 1, field input_length");
});

describe("Azure CSV", () => {
  const header = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n";

  test("times count from the earliest row, to 100 ns, over midnight and a leap day", () => {
    const rows = ["2024-02-29 00:00:00.5000000,374,44", "2024-02-28 23:59:59.9999999,396,109", "2024-03-01 00:00:00,1,1"];
    expect(read(header + rows.join("\r\n")).requests).toEqual([
      { atNs: 0, promptTokens: 396, outputTokens: 109 },
      { atNs: 500_000_100, promptTokens: 374, outputTokens: 44 },
      { atNs: 86_400e9 + 100, promptTokens: 1, outputTokens: 1 },
    ]);
  });

  test.each([
    ["2023-11-16 18:15:46.68,374", "line 2, field GeneratedTokens: is missing"],
    ["2023-13-16 18:15:46.68,374,1", "line 2, field TIMESTAMP"],
    ["yesterday,374,1", "line 2, field TIMESTAMP"],
    ["2023-11-16 18:15:46,0,1", "line 2, field ContextTokens: is 0"],
    ["2023-11-16 18:15:46,1,1\n2024-11-16 18:15:46,1,1", "field TIMESTAMP: the rows span"],
  ])("%s", (rows, expected) => {
    expect(fault(() => read(header + rows))).toContain(expected);
  });

  test("a header without a column names it", () => {
    expect(fault(() => read("TIMESTAMP,ContextTokens\n"))).toContain("line 1, field GeneratedTokens");
  });
});

describe("generated arrivals", () => {
  const spec = "poisson:rate=20,prompt=50-600,output=20-120,seconds=500,seed=1";

  test("rate and lengths are as asked, and a seed repeats", () => {
    const { requests } = generateWorkload(spec);
    expect(requests.length / 500).toBeCloseTo(20, 0);
    expect(mean(requests.map((request) => request.promptTokens)) / 325).toBeCloseTo(1, 1);
    expect(Math.min(...requests.map((request) => request.outputTokens))).toBe(20);
    expect(Math.max(...requests.map((request) => request.outputTokens))).toBe(120);
    expect(generateWorkload(spec).requests).toEqual(requests);
    expect(generateWorkload(spec.replace("seed=1", "seed=2")).requests).not.toEqual(requests);
  });

  test.each([
    ["poisson:rate=2", "field seconds: is missing"],
    [`${spec},speed=1`, 'field "speed=1"'],
    [`${spec},seed=2`, "field seed: is given twice"],
    [spec.replace("rate=20", "rate=-1"), "field rate: a number above 0"],
    [spec.replace("rate=20", "rate=100000"), "field rate: rate x seconds"],
    [spec.replace("50-600", "600-50"), "field prompt: a whole number from 600"],
    [`${spec},prefix=64`, "field prefix"],
  ])("%s", (text, expected) => {
    expect(fault(() => generateWorkload(text))).toContain(expected);
  });
});

describe("keys", () => {
  const shared = (ids: number[], promptTokens: number) =>
    ({ atNs: 0, promptTokens, outputTokens: 1, shared: { type: "blocks", ids, blockTokens: 128 } }) as const;

  test("agree exactly as far as ids do from the start", () => {
    const keys = createPrefixKeys({
      source: "",
      requests: [shared([1, 2], 300), shared([1, 3], 300), shared([2, 2], 300), shared([1, 2], 200)],
    });
    const [a, b, c, d] = [0, 1, 2, 3].map((index) => keys.keysOf(index).keys);
    expect(a).toHaveLength(4);
    expect(b!.slice(0, 2)).toEqual(a!.slice(0, 2));
    expect(b![2]).not.toBe(a![2]);
    expect(c!.filter((key) => a!.includes(key))).toEqual([]);
    expect(d).toEqual(a!.slice(0, 3));
  });

  test("a group shares its blocks, the last one in part, and synthetic tokens follow", () => {
    const { requests } = generateWorkload("poisson:rate=9,prompt=200,output=2,seconds=1,seed=1,prefix=1x150");
    const keys = createPrefixKeys({ source: "", requests });
    const [a, b] = [keys.keysOf(0), keys.keysOf(1)];
    expect(a.keys).toHaveLength(3);
    expect(a.parts).toHaveLength(22);
    expect(a.keys.slice(0, 2)).toEqual(b.keys.slice(0, 2));
    expect(a.keys[2]).not.toBe(b.keys[2]);
    expect(a.parts.filter((key) => b.parts.includes(key))).toEqual(a.parts.slice(0, 16));
    const tokens = [a, b].map((list, index) => syntheticPrompt(list, { index, promptTokens: 200, vocabulary: 1000 }));
    expect(tokens[0]!.slice(0, 144)).toEqual(tokens[1]!.slice(0, 144));
    expect(tokens[0]!.slice(144, 152)).not.toEqual(tokens[1]!.slice(144, 152));
    expect(new Set(tokens[0]).size).toBeGreaterThan(150);
  });
});
