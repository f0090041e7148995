/**
 * Goal: a simulation gives the same bits in a browser, in Node 20 and in Node 24: workload, prices, every decision and time, every digit of the figures.
 * Method: the same cases in this Node, and bundled in a real Chromium and a Node of the other line (each left out where there is none).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { chromiumPath } from "../support/chromium.ts";
import { otherNode } from "../support/other-node.ts";
import { servingScenario } from "../support/serving-scenario.ts";

const browserPath = chromiumPath();
const node = otherNode();
if ("absent" in node) process.stderr.write(`1 test left out: ${node.absent}\n`);
const folder = mkdtempSync(join(tmpdir(), "heddle-elsewhere-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The cases in one script without imports, and what is done with them. */
async function bundled(contents: string, format: "esm" | "iife"): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `import { servingScenario } from "./test/support/serving-scenario.ts"; ${contents}`, resolveDir: "." },
    bundle: true,
    // Names are made short for one of the two, which changes no bit either.
    minify: format === "iife",
    format,
    platform: "neutral",
    mainFields: ["module", "main"],
    target: ["es2022"],
    write: false,
  });
  return outputFiles[0]!.text;
}

async function inChromium(seedShifts: readonly number[]): Promise<string[]> {
  const content = await bundled("window.scenario = servingScenario;", "iife");
  const browser = await chromium.launch({ executablePath: browserPath!, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content });
    return await page.evaluate(`[${seedShifts}].map((shift) => window.scenario(shift))`);
  } finally {
    await browser.close();
  }
}

describe("a serving simulation", () => {
  const here = servingScenario();
  const other = servingScenario(1);

  it("is of cases that run, some with preemption, and of others with another seed", () => {
    const cases = JSON.parse(here) as readonly { priced?: boolean; preemptions: number }[];
    expect(cases.map(({ priced }) => priced)).toEqual([undefined, undefined, undefined, undefined]);
    expect(cases.some(({ preemptions }) => preemptions > 0)).toBe(true);
    // Comparisons see a difference.
    expect(other).not.toBe(here);
  });

  it.skipIf(browserPath === undefined)("gives the same bits in a browser", async () => {
    expect(await inChromium([0, 1])).toEqual([here, other]);
  });

  it.skipIf("absent" in node)("gives the same bits in the other line of Node", { timeout: 60_000 }, async () => {
    if ("absent" in node) return;
    const file = join(folder, "scenario.mjs");
    writeFileSync(
      file,
      await bundled("process.stdout.write(JSON.stringify([process.versions.node, servingScenario(), servingScenario(1)]));", "esm"),
    );
    const { stdout, stderr } = spawnSync(node.path, [file], { encoding: "utf8", maxBuffer: 1 << 28 });
    const [version, ...same] = JSON.parse(stdout || `["${stderr.slice(0, 200)}"]`) as string[];
    expect(version).toBe(node.version);
    expect(version?.split(".")[0]).not.toBe(process.versions.node.split(".")[0]);
    expect(same).toEqual([here, other]);
  });
});
