/** Goal: heddle partition places every operator within memory and says how good the cut is. Method: the command on published configurations and the example rack. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { printedBy } from "../../test/support/printed-by.ts";
import { PUBLISHED } from "../../test/support/published-models.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import type { PlacementReport } from "../plan/place-graph/placement-report.ts";
import { addPartitionCommand } from "./commands/partition.ts";

const RACK = "examples/racks/unlike-devices.yaml";
/** Three of one device behind a link each. */
const LIKE = ["a", "b", "c"];
const BASIS = "basis: data-sheet, source: test";
const LIKE_DEVICES = [
  "version: 1",
  "name: like",
  "fingerprint: data-sheets",
  "devices:",
  ...LIKE.map(
    (id, core) =>
      `  - { id: ${id}, kind: gpu, driver: none, threads: 1, cores: [${core}], memory: ${id}-hbm, peaks: [{ type: bf16, operationsPerSecond: 100.0e12, ${BASIS} }] }`,
  ),
  "memories:",
  ...LIKE.map((id) => `  - { id: ${id}-hbm, tier: hbm, capacityBytes: 42949672960, bandwidthBytesPerSecond: 1.0e12, ${BASIS} }`),
  "links:",
  ...LIKE.flatMap((id) => {
    const others = LIKE.filter((other) => other !== id);
    return others.map((to) => `  - { from: ${id}, to: ${to}, via: network, bandwidthBytesPerSecond: 30.0e9, latencyNs: 1000, ${BASIS} }`);
  }),
  "",
].join("\n");
const folder = mkdtempSync(join(tmpdir(), "heddle-partition-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const command = printedBy(addPartitionCommand);
const printed = (...words: string[]): Promise<string> => command("partition", ...words);

function config(name: string): string {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, JSON.stringify(PUBLISHED.find((model) => model.name === name)!.config));
  return path;
}

async function report(...words: string[]): Promise<PlacementReport> {
  return JSON.parse(await printed(...words, "--json")) as PlacementReport;
}

describe("heddle partition", () => {
  it("splits a model that fits no single accelerator, within every memory, every operator once", async () => {
    const output = join(folder, "placement.json");
    const found = await report(config("Mixtral-8x7B"), "--rack", RACK, "--seconds", "1", "-o", output);
    expect(found.parts.length).toBeGreaterThan(1);
    for (const { bytes, memoryBytes } of found.parts) expect(bytes).toBeLessThanOrEqual(memoryBytes);
    const names = found.stages.flatMap(({ operators }) => operators);
    expect(names).toHaveLength(found.parts.reduce((sum, { operators }) => sum + operators, 0));
    expect(new Set(names).size).toBe(names.length);
    expect(found.boundNs).toBeLessThanOrEqual(found.ns);
    expect(found.ns).toBeLessThanOrEqual(found.contiguousNs!);
    expect(found.ns).toBeCloseTo(Math.max(...found.parts.map(({ computeNs, transferNs }) => computeNs + transferNs)), 3);
    expect(found.whole.find(({ device }) => device === "h100")!.ns).toBeUndefined();
    expect(JSON.parse(readFileSync(output, "utf8"))).toEqual(found);
  });

  it("gives each device one part where parts must follow one another", async () => {
    const found = await report(config("Mixtral-8x7B"), "--rack", RACK, "--seconds", "1", "--contiguous");
    expect(found.method).toBe("contiguous");
    expect(found.ns).toBeCloseTo(found.contiguousNs!, 3);
    expect(new Set(found.stages.map(({ device }) => device)).size).toBe(found.stages.length);
    expect(found.boundNs).toBeLessThanOrEqual(found.ns);
  });

  it("lets like devices share a part, each with all of its bytes and its share of the time", async () => {
    const rack = join(folder, "like.yaml");
    writeFileSync(rack, LIKE_DEVICES);
    const model = join(folder, "two-layers.json");
    const llama = JSON.parse(readFileSync(config("Llama-3.1-8B"), "utf8")) as Record<string, unknown>;
    writeFileSync(model, JSON.stringify({ ...llama, num_hidden_layers: 2 }));
    const alone = await report(model, "--rack", rack, "--seconds", "20", "--contiguous");
    const shared = await report(model, "--rack", rack, "--seconds", "20", "--replicate");
    expect(shared.ns).toBeLessThan(alone.ns);
    expect(shared.contiguousNs).toBeCloseTo(alone.ns, 3);
    const [stage] = shared.stages.filter(({ sharedWith }) => sharedWith !== undefined);
    const parts = shared.parts.filter(({ device }) => [stage!.device, ...stage!.sharedWith!].includes(device));
    expect(new Set(parts.map(({ sharedBy, bytes, computeNs }) => `${sharedBy} ${bytes} ${computeNs}`)).size).toBe(1);
    expect(parts[0]!.sharedBy).toBe(parts.length);
    expect(shared.ns).toBeCloseTo(Math.max(...shared.parts.map(({ computeNs, transferNs }) => computeNs + transferNs)), 3);
    // One of the devices that share is named alone: it leaves the others.
    const pinned = await report(model, "--rack", rack, "--seconds", "20", "--replicate", "--pin", `embedding.*=${stage!.device}`);
    expect(pinned.constraints[0]!.cost).toBeGreaterThanOrEqual(0);
    expect(pinned.ns).toBeGreaterThanOrEqual(shared.ns * (1 - 1e-9));
    const unknown = printed(model, "--rack", rack, "--seconds", "0.5", "--pin", "no such operator=b");
    await expect(unknown).rejects.toMatchObject({ where: "--pin no such operator=b" });
    await expect(printed(model, "--rack", rack, "--replicate", "--objective", "latency")).rejects.toThrow("--objective throughput");
    expect(await printed(model, "--rack", rack, "--seconds", "20", "--replicate")).toMatch(/every \d(nd|rd|th) run/);
  });

  it("is not refused by devices that stand alone and cannot run it", async () => {
    const rack = join(folder, "alone.yaml");
    const lines = readFileSync(RACK, "utf8").split("\n");
    writeFileSync(rack, lines.filter((line) => !/(from|to): npu/.test(line)).join("\n"));
    const found = await report(config("Llama-3.1-8B"), "--rack", rack, "--seconds", "1");
    expect(found.parts.map(({ device }) => device)).not.toContain("npu");
    expect(found.otherSets).toEqual([{ devices: ["npu"] }]);
  });

  it("writes a page whose operators have devices", async () => {
    const html = join(folder, "page.html");
    const found = await report(config("Llama-3.1-8B"), "--rack", RACK, "--seconds", "0.5", "--phase", "prefill", "--html", html);
    const [, json] = /<script[^>]*type="application\/json"[^>]*>(.*?)<\/script>/s.exec(readFileSync(html, "utf8"))!;
    const { placement, operators } = JSON.parse(json!) as PageData;
    expect(placement!.devices).toEqual(found.parts.map(({ device }) => device));
    expect(placement!.operators).toHaveLength(operators.length);
    const counts = found.parts.map((_part, at) => placement!.operators.filter((device) => device === at).length);
    expect(counts).toEqual(found.parts.map((part) => part.operators));
    expect(placement!.phase).toBe(0);
  });

  it("keeps a run's latency no worse than the best device's alone", async () => {
    const found = await report(config("Llama-3.1-8B"), "--rack", RACK, "--phase", "prefill", "--objective", "latency", "--seconds", "1");
    expect(found.ns).toBeLessThanOrEqual(Math.min(...found.whole.map(({ ns }) => ns ?? Infinity)) * (1 + 1e-9));
    expect(found).toMatchObject({ phase: "prefill", objective: "latency" });
  });

  it("keeps pins, bans and groups, and says what each costs", async () => {
    const wishes = ["--pin", "layers.1?.*=xeon", "--forbid", "layers.0.*=h100", "--together", "embedding*,layers.31.*"];
    const found = await report(config("Llama-3.1-8B"), "--rack", RACK, "--seconds", "600", "--moves", "200000", ...wishes);
    const placed = found.stages.flatMap(({ device, operators }) => operators.map((name) => ({ device, name })));
    const on = (pattern: RegExp): ReadonlySet<string> =>
      new Set(placed.filter(({ name }) => pattern.test(name)).map(({ device }) => device));
    expect([...on(/^layers\.1\d\./)]).toEqual(["xeon"]);
    expect(on(/^layers\.0\./).has("h100")).toBe(false);
    expect(on(/^(embedding|layers\.31\.)/).size).toBe(1);
    expect(found.constraints.map(({ constraint }) => constraint)).toEqual([
      "--pin layers.1?.*=xeon",
      "--forbid layers.0.*=h100",
      "--together embedding*,layers.31.*",
    ]);
    for (const { cost, costMin, costMax, without } of found.constraints) {
      expect(cost).toBeGreaterThanOrEqual(0);
      expect(costMin).toBeLessThanOrEqual(cost * (1 + 1e-9));
      expect(costMax).toBeGreaterThanOrEqual(cost * (1 - 1e-9));
      expect(without.value).toBeLessThanOrEqual(found.ns);
    }
    expect(found.constraints[0]!.cost).toBeGreaterThan(0);
  });

  it("prints devices, stages, the bound and what one device alone takes", async () => {
    const text = await printed(config("Llama-3.1-8B"), "--rack", RACK, "--seconds", "0.5", "--devices", "h100,l40s");
    expect(text).toMatch(/a run every [\d.]+ .*(gap [\d.]+ %|proven the least)/);
    expect(text).toMatch(/whole on h100: [\d.]+ /);
    expect(text).toMatch(/stage\tdevice\toperators\tparts of the model\n0\t/);
    expect(text).toContain("estimated: roofline");
  });

  it.each([
    [["--devices", "h100,gpu-9"], "usage"],
    [["--phase", "train"], "usage"],
    [["--devices", "npu"], "plan-no-capacity"],
    [["--pin", "head*"], "usage"],
    [["--pin", "head*=gpu-9"], "usage"],
    [["--together", "no such operator"], "usage"],
    [["--pin", "head*=h100", "--pin", "head*=xeon"], "pin-impossible"],
  ])("refuses %j", async (words, code) => {
    await expect(printed(config("Mixtral-8x7B"), "--rack", RACK, "--seconds", "0.5", ...words)).rejects.toMatchObject({ code });
  });
});
