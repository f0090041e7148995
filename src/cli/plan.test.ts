// Goal: heddle plan reads its options, plans a model on a rack file, and writes a plan that reads back. Method: a tiny model on a synthetic rack.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { printedBy } from "../../test/support/printed-by.ts";
import { syntheticDevice, syntheticRack } from "../../test/support/synthetic-rack.ts";
import { writeTinyGguf } from "../../test/support/tiny-gguf.ts";
import type { Plan } from "../plan/plan.ts";
import { readPlan } from "../plan/plan-file.ts";
import { writeRack } from "../rack/rack-file.ts";
import { addPlanCommand } from "./commands/plan.ts";
import { addRackCommand } from "./commands/rack.ts";
import { planText } from "./plan.ts";
import { rackText } from "./rack-text.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-plan-"));
const model = writeTinyGguf(join(folder, "tiny.gguf"), { layers: 4, format: "Q4_1" });
const rack = syntheticRack([syntheticDevice("a"), syntheticDevice("b", { cores: [1] })]);
const rackPath = join(folder, "rack.yaml");
writeFileSync(rackPath, writeRack(rack));

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const printed = printedBy(addPlanCommand, addRackCommand);

describe("heddle plan", () => {
  it("keeps pins and limits, and writes a plan file", async () => {
    const out = join(folder, "plan.json");
    const options = ["--stages", "2", "--pin", "0=b", "--pin", "0.1=a", "--max-sequences", "3", "--context", "512", "--kv-memory", "40M"];
    const json = await printed("plan", model, "--rack", rackPath, ...options, "--replicas", "1", "-o", out, "--json");
    const plan = JSON.parse(json) as Plan;
    expect(readPlan(readFileSync(out, "utf8"), { layers: 4 })).toEqual(plan);
    const replica = plan.replicas[0]!;
    expect(replica.stages.map((stage) => stage.device)).toEqual(["b", "a"]);
    expect([replica.maxSequences, replica.contextLimit]).toEqual([3, 512]);
    expect((replica.workingPages + replica.sealedSlots) * replica.pageBytes).toBeLessThanOrEqual(40e6);
  });

  it("prints the table and the reasons", async () => {
    const text = await printed("plan", model, "--rack", rackPath, "--decode-format", "f32");
    expect(text).toMatch(/0\.0\t0-4\ta \(ort, 1 thread\)\t\S+ \/ f32/);
    expect(text).toContain("runner-up");
    expect(text).toContain("--decode-format f32 costs");
  });

  it("says whether prompts reuse what decode steps in another format wrote, and makes the plan so", async () => {
    const formats = ["--prefill-format", "int8-row", "--decode-format", "int4"];
    const made = async (...more: string[]): Promise<Plan> => {
      vi.restoreAllMocks();
      return JSON.parse(await printed("plan", model, "--rack", rackPath, ...more, "--json")) as Plan;
    };
    const of = ({ policy, reasons }: Plan) => [policy.kvReuse, reasons.find((reason) => reason.includes("--kv-reuse"))];
    expect(of(await made(...formats))).toEqual(["strict", expect.stringMatching(/in int4, is computed anew in int8-row/)]);
    expect(of(await made(...formats, "--kv-reuse", "any"))).toEqual([
      "any",
      expect.stringMatching(/in int4 is reused by prompts in int8-row/),
    ]);
    expect(of(await made("--prefill-format", "f32", "--decode-format", "f32"))).toEqual(["strict", undefined]);
  });

  it.each([
    [["--kv-reuse", "some"], /strict, any/],
    [["--pin", "zero"], /stage=device/],
    [["--replicas", "0"], /above 0/],
    [["--kv-memory", "lots"], /500M/],
  ])("refuses %j on the command line", async (options, message) => {
    await expect(printed("plan", model, "--rack", rackPath, ...options)).rejects.toThrow(message);
  });

  it.each([
    [["--decode-format", "int3"], "pin-impossible"],
    [["--pin", "0=c"], "pin-impossible"],
    [["--kv-memory", "1k"], "pin-impossible"],
    [["--rack", join(folder, "none.yaml")], "file-unreadable"],
    [["--rack", model], "rack-invalid"],
  ])("answers %j with %s", async (options, code) => {
    await expect(printed("plan", model, "--rack", rackPath, ...options)).rejects.toMatchObject({ code });
  });
});

describe("heddle rack show", () => {
  it("shows a rack file as text and as JSON", async () => {
    expect(await printed("rack", "show", rackPath)).toContain("a\tort\t1\t0\tdram\t20 GB/s");
    vi.restoreAllMocks();
    expect(JSON.parse(await printed("rack", "show", rackPath, "--json"))).toEqual(rack);
  });

  it("says that a device is not calibrated", () => {
    const { calibration: _none, ...bare } = syntheticDevice("c");
    expect(rackText(syntheticRack([bare]))).toContain("not calibrated");
  });
});

describe("plan text", () => {
  it("says basis and interval of each time", async () => {
    const json = await printed("plan", model, "--rack", rackPath, "--json");
    expect(planText(JSON.parse(json) as Plan)).toMatch(/first token of a 512-token prompt: [\d.]+ \S+ \([\d.]+ \S+ to [\d.]+ \S+, \w+\)/);
  });
});
