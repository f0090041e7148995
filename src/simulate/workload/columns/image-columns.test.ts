// Goal: images reach a run as they were written, and take the tokens of the model that reads them. Method: files and generated workloads, written and read again; planted faults.
import { describe, expect, it, test } from "vitest";
import { knownArchitecture } from "../../../graph/architecture/known/known-architecture.ts";
import { readDeployment } from "../../../plan/deployment/deployment-file.ts";
import { readFleetFile, writeFleetFile } from "../../imported/fleet-file.ts";
import { generateColumns } from "../generate/generate-columns.ts";
import { heddleRequest, writeHeddleRequest } from "../heddle-jsonl.ts";
import { readWorkload } from "../read-workload.ts";
import { withImageTokens } from "./image-columns.ts";
import { requestColumns } from "./request-columns.ts";

const row = (images: unknown, at = 0): string => JSON.stringify({ at_ms: at, prompt_tokens: 100, output_tokens: 5, images });
const fileOf = (...lines: readonly string[]) => requestColumns(readWorkload(new TextEncoder().encode(lines.join("\n"))));

const FILE = fileOf(
  row([
    { width: 640, height: 640, hash: "logo" },
    { width: 1920, height: 1080 },
  ]),
  row(undefined, 1),
  row(
    [
      { width: 640, height: 640, hash: "logo" },
      { width: 640, height: 640 },
    ],
    2,
  ),
);

describe("images of a file", () => {
  it("have sizes, and are equal where their hashes are", () => {
    const { start, width, height, content } = FILE.images!;
    expect([...start]).toEqual([0, 2, 2, 4]);
    expect([...width]).toEqual([640, 1920, 640, 640]);
    expect([...height]).toEqual([640, 1080, 640, 640]);
    expect([...content]).toEqual([0, 1, 0, 2]);
  });

  it("are written as they are read", () => {
    const text = row([
      { width: 3, height: 4, hash: "a" },
      { width: 5, height: 6 },
    ]);
    expect(JSON.parse(writeHeddleRequest(heddleRequest({ line: 1, text })))).toEqual(JSON.parse(text));
    const { deployment } = readDeployment("version: 1\nmodel: Qwen3-VL-8B\npools: [{ device: h100-sxm, encoder: {} }]");
    const fleet = { source: "test", deployment, defaults: [], devices: {}, workload: { source: "test", requests: FILE } };
    expect(readFleetFile(writeFleetFile(fleet)).workload.requests.images).toEqual(FILE.images);
  });

  it.each([
    [{}, "images"],
    [[1], "images\\[0\\]"],
    [[{ width: 0, height: 4 }], "width"],
    [[{ width: 2, height: 1.5 }], "height"],
    [[{ width: 2, height: 2, hash: "" }], "hash"],
    [[{ width: 2, height: 2, depth: 2 }], "depth"],
    [Array(1001).fill({ width: 2, height: 2 }), "images"],
  ])("are refused where they are none: %j", (images, field) => {
    expect(() => fileOf(row(images))).toThrow(new RegExp(field));
  });

  it("are refused where one hash has two sizes", () => {
    expect(() =>
      fileOf(
        row([
          { width: 2, height: 2, hash: "a" },
          { width: 2, height: 3, hash: "a" },
        ]),
      ),
    ).toThrow(/two sizes/);
  });
});

test("a model's tokens stand behind the text", () => {
  const seen = withImageTokens(FILE, knownArchitecture("Qwen3-VL-8B")!);
  expect([...seen.images!.work!.tokens]).toEqual([400, 2040, 400, 400]);
  expect([...seen.images!.work!.patches]).toEqual([1600, 8160, 1600, 1600]);
  expect([...seen.promptTokens]).toEqual([2540, 100, 900]);
  expect([...withImageTokens(FILE, knownArchitecture("Qwen2.5-VL-7B")!).promptTokens]).toEqual([100 + 529 + 2691, 100, 100 + 2 * 529]);
  expect(() => withImageTokens(FILE, knownArchitecture("Llama-3.1-8B")!)).toThrow(/images/);
});

describe("drawn images", () => {
  const text = "poisson:rate=50,prompt=100,output=5,seconds=4,seed=3";

  it("leave the requests as they are without", () => {
    const { images, ...plain } = generateColumns(`${text},images=0-4,sizes=640x640:100x200,distinct=7`);
    expect(plain).toEqual(generateColumns(text));
    const counts = Array.from({ length: plain.count }, (_, i) => images!.start[i + 1]! - images!.start[i]!);
    expect(new Set(counts)).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(new Set(images!.content).size).toBe(7);
  });

  it.each([
    `${text},images=4-1`,
    `${text},images=0`,
    `${text},images=1001`,
    `${text},images=1,sizes=640`,
    `${text},images=1,sizes=0x5`,
    `${text},sizes=640x640`,
    `${text},images=1,distinct=0`,
    "sessions:rate=0.5,turns=2-8,think=20,prompt=50-300,output=50-400,seconds=60,images=1",
  ])("are refused where the law is none: %s", (spec) => {
    expect(() => generateColumns(spec)).toThrow(/images|sizes|distinct/);
  });
});
