/** Goal: heddle inspect prints what it found for files, folders and configurations. Method: the command on tiny models and a published configuration. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { printedBy } from "../../test/support/printed-by.ts";
import { PUBLISHED } from "../../test/support/published-models.ts";
import { writeTinyGguf } from "../../test/support/tiny-gguf.ts";
import { writeTinyHf } from "../../test/support/tiny-hf.ts";
import { parameterCount, quantity } from "../base/quantity.ts";
import type { RackReading } from "../inspect/classify/rack-reading.ts";
import type { Inspection } from "../inspect/inspection.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import { addInspectCommand } from "./commands/inspect.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-inspect-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const command = printedBy(addInspectCommand);
const printed = (...words: string[]): Promise<string> => command("inspect", ...words);

function writeConfig(name: string): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(PUBLISHED.find((model) => model.name === name)!.config));
  return path;
}

describe("heddle inspect", () => {
  it("tells totals, runs and parts of a configuration", async () => {
    const text = await printed(writeConfig("DeepSeek-V3"));
    expect(text).toContain("parameters  671 B (671026419200)");
    expect(text).toContain("active      36.6 B a token (head counted, input embedding not)");
    expect(text).toContain("state       70272 B a token as bf16");
    expect(text).toMatch(/layers\.\*\.experts\t3-60\t654 B\t/);
    expect(text).toMatch(/decode, 1 x 1 token at context 4096\t/);
  });

  it("takes sizes and types, and gives JSON", async () => {
    const options = ["--dtype", "f8e4m3", "--kv-dtype", "bf16", "--batch", "4", "--prompt", "100", "--context", "200", "--json"];
    const found = JSON.parse(await printed(writeConfig("Llama-3.1-8B"), ...options)) as Inspection;
    expect(found.weightBytes).toBe(8_030_261_248);
    expect(found.state).toMatchObject({ bytesPerToken: 131072, bytesPerSequence: 200 * 131072, context: 200 });
    expect(found.phases.map(({ name, sizes }) => [name, sizes["batch"], sizes["tokens"], sizes["context"]])).toEqual([
      ["prefill", 4, 100, 100],
      ["decode", 4, 1, 200],
    ]);
  });

  it("prints formulas of every operator", async () => {
    const text = await printed(writeConfig("Mixtral-8x7B"), "--operators");
    expect(text).toContain("layers.0.experts.expert-down\tExpertLinear\t");
    expect(text).toContain("touched(8,2)");
  });

  it("holds the tensors of a GGUF file and of a folder against the configuration", async () => {
    const gguf = await printed(writeTinyGguf(join(folder, "tiny.gguf"), { format: "Q4_1" }));
    expect(gguf).toContain("as many as the configuration's layers have");
    const path = writeTinyHf(join(folder, "tiny"), { family: "qwen3" });
    expect(await printed(path)).toContain("as many as the configuration's layers have");
    const more = { ...(JSON.parse(await printed(path, "--json")) as Inspection & { stored: { parameters: number } }) };
    expect(more.stored.parameters).toBe(more.parameters.total);
  });

  it("says so where a folder has weights the configuration does not explain", async () => {
    const path = writeTinyHf(join(folder, "odd"), { config: { num_hidden_layers: 1 } });
    expect(await printed(path)).toMatch(/\d+ more than the configuration's layers have/);
  });

  describe("on a rack", () => {
    const rack = fileURLToPath(new URL("../../examples/racks/unlike-devices.yaml", import.meta.url));

    it("tells class, estimate and budget of every device, tab separated in a pipe", async () => {
      const text = await printed(writeConfig("Llama-3.1-8B"), "--rack", rack);
      expect(text).toContain("h100 (gpu)  bf16 989 TFLOP/s (data sheet), 3.35 TB/s (data sheet), ridge 295 FLOP/B");
      expect(text).toMatch(/h100, decode \(1 x 1 token at context 4096\): \d\.\d+ ms estimated \(roofline, data sheet\)/);
      expect(text).toMatch(/layers\.\*\.feed-forward\t32\tbandwidth\t/);
      expect(text).toContain("no peak for bf16 or a wider type is known");
      expect(text).toMatch(/h100\t61\.2 GB\t456\t228\t114\t57\t28\t14\t7\t3/);
      expect(text).toContain("latency 1: sensitive from here on");
    });

    it("says how many devices hold what one does not", async () => {
      const text = await printed(writeConfig("DeepSeek-V3"), "--rack", rack, "--reserve", "0.25");
      expect(text).toContain("h100: weights of 1.34 TB do not fit in 85.9 GB less the reserve: 21 devices like it are needed at least");
    });

    it("writes the page, with a rack and without", async () => {
      const file = join(folder, "page.html");
      const dataOf = (): PageData => {
        const [, json = ""] = /<script type="application\/json"[^>]*>(.*?)<\/script>/s.exec(readFileSync(file, "utf8")) ?? [];
        return JSON.parse(json) as PageData;
      };
      await printed(writeConfig("Llama-3.1-8B"), "--rack", rack, "--html", file);
      expect(dataOf().rack?.devices).toHaveLength(4);
      await printed(writeConfig("Llama-3.1-8B"), "--html", file);
      expect(dataOf().rack).toBeUndefined();
      const nowhere = printed(writeConfig("Llama-3.1-8B"), "--html", join(file, "page.html"));
      await expect(nowhere).rejects.toMatchObject({ code: "file-unwritable" });
    });

    it("gives JSON", async () => {
      const found = JSON.parse(await printed(writeConfig("Llama-3.1-8B"), "--rack", rack, "--json")) as { rack: RackReading };
      expect(found.rack.devices.map(({ id, phases }) => [id, phases.map(({ stages }) => stages.length)])).toEqual(
        ["h100", "l40s", "xeon", "npu"].map((id) => [id, [4, 4]]),
      );
    });
  });

  it("knows models by name, as it knows their configuration", async () => {
    const named = JSON.parse(await printed("meta-llama/Llama-3.1-8B-Instruct", "--json")) as object;
    expect(named).toEqual({ ...(JSON.parse(await printed(writeConfig("Llama-3.1-8B"), "--json")) as object), name: "Llama-3.1-8B" });
  });

  it("names the file of a configuration that is wrong", async () => {
    const path = join(folder, "wrong.json");
    writeFileSync(path, '{ "model_type": "llama", "hidden_size": "many" }');
    await expect(printed(path)).rejects.toMatchObject({
      code: "model-config-invalid",
      where: expect.stringContaining(`${path}, `) as unknown,
    });
  });

  it.each([
    [["nowhere.json"], "file-unreadable"],
    [["Llama-9"], "model-not-found"],
    [[join(folder, "Llama-3.1-8B.json"), "--rack", "nowhere.yaml"], "file-unreadable"],
    [[join(folder, "Llama-3.1-8B.json"), "--reserve", "0.2"], "usage"],
    [[join(folder, "Llama-3.1-8B.json"), "--dtype", "q4_k"], "usage"],
    [[join(folder, "Llama-3.1-8B.json"), "--prompt", "1000000"], "usage"],
  ])("refuses %j", async (words, code) => {
    writeConfig("Llama-3.1-8B");
    await expect(printed(...words)).rejects.toMatchObject({ code });
  });
});

describe("sizes of an archive", () => {
  const sample = "test/support/pt2/decoder-written.pt2";

  it("lie in the ranges it was exported for, by default and where they are given", async () => {
    const found = JSON.parse(await printed(sample, "--json")) as Inspection;
    const tokens = found.sizes!.find(({ symbol }) => symbol === "s27")!;
    expect(tokens.value).toBeLessThanOrEqual(24);
    expect(tokens.value).toBeGreaterThan(1);
    await expect(printed(sample, "--size", "s27=100")).rejects.toMatchObject({ code: "usage" });
    await expect(printed(sample, "--size", "s27=8")).resolves.toContain("s27 8");
  });
});

describe("work that is stated", () => {
  const sample = "test/support/pt2/choice-written.pt2";
  const found = async (...words: string[]): Promise<Inspection> => JSON.parse(await printed(sample, ...words, "--json")) as Inspection;

  it("is that of a custom operator, by formulas over the sizes of the graph", async () => {
    const plain = await found("--size", "s77=10");
    expect(plain.unknownWork).toEqual([{ domain: "samples", type: "scaled", count: 1, reason: "no rule" }]);
    const stated = await found("--size", "s77=10", "--work", "scaled=1000*s77+7,500");
    expect(stated.unknownWork).toEqual([]);
    expect(stated.phases[0]!.total.flops - plain.phases[0]!.total.flops).toBe(10_007);
    expect(stated.phases[0]!.total.bytes - plain.phases[0]!.total.bytes).toBe(500);
    const alone = await found("--size", "s77=10", "--work", "samples:scaled=5");
    expect(alone.phases[0]!.total.flops - plain.phases[0]!.total.flops).toBe(5);
    expect(alone.phases[0]!.total.bytes).toBeGreaterThan(plain.phases[0]!.total.bytes);
  });

  it.each([["scaled"], ["scaled=a/b"], ["nothing=1"], ["scaled=2*nothing"], ["other:scaled=1"]])("is refused: %s", async (text) => {
    await expect(printed(sample, "--work", text)).rejects.toMatchObject({ code: "usage" });
  });

  it("is refused of a configuration", async () => {
    await expect(printed(writeConfig("Llama-3.1-8B"), "--work", "Linear=1")).rejects.toMatchObject({ code: "usage" });
  });
});

describe("quantities", () => {
  it("have three digits and a prefix", () => {
    expect([0, 512, 999, 1000, 23_040, 13_476_831_232, 1.5e15].map((value) => quantity(value, "B"))).toEqual([
      "0 B",
      "512 B",
      "999 B",
      "1 kB",
      "23.0 kB",
      "13.5 GB",
      "1.50 PB",
    ]);
    expect([576, 85_798_656, 6_738_415_616, 671_026_419_200].map(parameterCount)).toEqual(["576", "85.8 M", "6.74 B", "671 B"]);
  });
});
