// Goal: a serving simulation gives the same bits in Node 20 and in Node 24. Method: the cases of the browser's test, bundled, run by a Node of the other line.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";
import { otherNode } from "../support/other-node.ts";
import { servingScenario } from "../support/serving-scenario.ts";

const node = otherNode();
if ("absent" in node) process.stderr.write(`1 test left out: ${node.absent}\n`);
const folder = mkdtempSync(join(tmpdir(), "heddle-other-node-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a serving simulation", () => {
  it.skipIf("absent" in node)("gives the same bits in the other line of Node", { timeout: 60_000 }, async () => {
    if ("absent" in node) return;
    const contents = `import { servingScenario } from "./test/support/serving-scenario.ts";
process.stdout.write(JSON.stringify([process.versions.node, servingScenario(), servingScenario(1)]));`;
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: "." },
      bundle: true,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: ["es2022"],
      write: false,
    });
    const file = join(folder, "scenario.mjs");
    writeFileSync(file, outputFiles[0]!.contents);
    const { stdout, stderr } = spawnSync(node.path, [file], { encoding: "utf8", maxBuffer: 1 << 28 });
    const [version, same, other] = JSON.parse(stdout || `["${stderr.slice(0, 200)}"]`) as string[];
    expect(version).toBe(node.version);
    expect(version?.split(".")[0]).not.toBe(process.versions.node.split(".")[0]);
    expect(same).toBe(servingScenario());
    // The comparison sees a difference.
    expect(other).toBe(servingScenario(1));
    expect(other).not.toBe(same);
  });
});
