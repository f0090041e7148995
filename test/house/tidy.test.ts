// Goal: house rules hold in every file, and each rule is able to fail. Method: tidy over the project, then one planted breach a rule.
import { describe, expect, it } from "vitest";
import { sourceFiles } from "../../scripts/source-files.ts";
import { tidy, withoutComments } from "../../scripts/tidy.ts";

describe("tidy", () => {
  it("finds nothing in the project", () => {
    const files = sourceFiles(process.cwd());
    expect(files.length).toBeGreaterThan(30);
    expect(tidy(files)).toEqual([]);
  });

  const planted: [string, string, string][] = [
    ["unfinished", "src/cli/a.ts", `// ${"TO"}DO later`],
    ["bare-error", "src/engine/a.ts", "throw new Error('x');"],
    ["any", "src/cli/a.ts", "const x: any = 1;"],
    ["enum", "src/cli/a.ts", "export enum Colour { Red }"],
    ["console", "src/serve/a.ts", "console.log(1);"],
    ["pure-node", "src/graph/a.ts", 'import { readFileSync } from "node:fs";'],
    ["pure-time", "src/policy/a.ts", "const now = Date.now();"],
    ["pure-time", "src/fleet/a.ts", "setTimeout(() => 1, 2);"],
    ["pure-chance", "src/simulate/a.ts", "const x = Math.random();"],
    ["pure-math", "src/cost/a.ts", "const x = Math.pow(2, 3);"],
    ["pure-math", "src/cost/a.ts", "const x = Math.log2(3);"],
    ["pure-power", "src/state/a.ts", "const x = y ** 2;"],
    ["narrowed-test", "src/state/a.test.ts", "it.only('x', () => {});"],
    ["file-length", "src/cli/a.ts", "\n".repeat(501)],
  ];
  it.each(planted)("catches %s in %s", (rule, path, text) => {
    expect(tidy([{ path, text }]).map((found) => found.rule)).toContain(rule);
  });

  it("does not take comments or strings for code", () => {
    expect(tidy([{ path: "src/engine/a.ts", text: '// Date.now()\nconst x = "Math.random";\n/* new Error( */' }])).toEqual([]);
    expect(withoutComments("a /* b\n c */ d").split("\n")).toHaveLength(2);
  });

  it("lets impure layers use the clock", () => {
    expect(tidy([{ path: "src/execute/a.ts", text: "const now = performance.now();" }])).toEqual([]);
  });
});
