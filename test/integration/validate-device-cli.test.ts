// Goal: heddle validate-device tells what it found in text, JSON and a page, and refuses what it cannot look at. Method: the command in this process.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it, vi } from "vitest";
import { addValidateDeviceCommand } from "../../src/cli/commands/validate-device.ts";
import { operatorBars } from "../../src/cli/validate/divergence-chart.ts";
import { validationPage } from "../../src/cli/validate/validation-page.ts";
import type { Validation } from "../../src/execute/validate/validation.ts";
import { printedBy } from "../support/printed-by.ts";
import { functionModel } from "../support/tiny-onnx.ts";

const DESK = "examples/racks/emulated-desk.yaml";
const folder = mkdtempSync(join(tmpdir(), "heddle-validate-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const command = printedBy(addValidateDeviceCommand);
const printed = (...words: string[]): Promise<string> => command("validate-device", ...words);

describe("heddle validate-device", () => {
  it("finds a right device right, with a model, and says that an emulated one is emulated", async () => {
    const model = join(folder, "functions.onnx");
    const page = join(folder, "report.html");
    writeFileSync(model, functionModel());
    const found = JSON.parse(
      await printed("ipu", "--rack", DESK, "--model", model, "--size", "batch=3", "--html", page, "--json"),
    ) as Validation;
    expect(process.exitCode).toBeUndefined();
    expect(found.findings.filter(({ verdict }) => verdict === "fail")).toEqual([]);
    expect(found.checks.map(({ check }) => check)).toEqual(["operators", "model", "determinism", "batch", "memory", "failure", "speed"]);
    expect(found.checks.find(({ check }) => check === "model")!.verdict).toBe("pass");
    expect(found.emulated).toBe(true);
    expect(found.description.name).toContain("emulated");
    expect(readFileSync(page, "utf8")).toContain("ipu is emulated");
    const failed = {
      ...found.findings[0]!,
      verdict: "fail" as const,
      name: "Abs <b>",
      divergence: { ...found.findings[0]!.divergence!, maxRelative: 1 },
    };
    const shown = validationPage({ ...found, verdict: "fail", findings: [failed, ...found.findings] });
    expect(shown).toContain("What to look at");
    expect(shown).toContain("Abs &lt;b&gt;");
    expect(shown).not.toContain("Abs <b>");
    expect(operatorBars([failed, ...found.findings])[0]).toMatchObject({ operator: "Abs", isNear: false });
  });

  const refusals: readonly [string, readonly string[], string][] = [
    ["a device the rack does not have", ["tpu", "--rack", DESK], "device-missing"],
    ["a driver there is not", ["abacus"], "driver-missing"],
    ["a reference there is not", ["ort", "--reference", "abacus"], "driver-missing"],
    ["a rack there is not", ["ort", "--rack", "nowhere.yaml"], "file-unreadable"],
    ["a model there is not", ["ort", "--model", "nowhere.onnx"], "file-unreadable"],
    ["a size that is none", ["ort", "--model", "nowhere.onnx", "--size", "batch"], "usage"],
  ];
  it.each(refusals)("refuses %s", async (_name, words, code) => {
    await expect(printed(...words)).rejects.toMatchObject({ code });
  });
});
