// Goal: imports point downward only, and the check that says so is able to fail. Method: cruise the project, then a planted tree.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkDirection } from "../../scripts/direction.ts";

function plant(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "heddle-layers-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe("direction of imports", () => {
  it("holds in the project", async () => {
    const report = await checkDirection(process.cwd());
    expect(report.breaches).toEqual([]);
    expect(report.modules).toBeGreaterThan(20);
  });

  const planted: [string, string, Record<string, string>][] = [
    ["upward import", "layer-base", { "src/base/a.ts": 'export { b } from "../serve/b.ts";', "src/serve/b.ts": "export const b = 1;" }],
    [
      "upward type-only import",
      "layer-state",
      { "src/state/a.ts": 'import type { B } from "../engine/b.ts";\nexport type A = B;', "src/engine/b.ts": "export type B = number;" },
    ],
    [
      "simulate imports execute",
      "layer-simulate",
      { "src/simulate/a.ts": 'export { b } from "../execute/b.ts";', "src/execute/b.ts": "export const b = 1;" },
    ],
    [
      "cycle",
      "no-cycle",
      {
        "src/base/a.ts": 'import { b } from "./b.ts";\nexport const a = (): number => b();',
        "src/base/b.ts": 'import { a } from "./a.ts";\nexport const b = (): number => a();',
      },
    ],
    [
      "node in a pure layer",
      "pure-without-node",
      { "src/graph/a.ts": 'export { readFileSync } from "node:fs";', "src/graph/b.ts": 'export * from "./a.ts";' },
    ],
    [
      "driver imports its sibling",
      "no-sibling-driver",
      { "src/execute/drivers/x/a.ts": 'export { b } from "../y/b.ts";', "src/execute/drivers/y/b.ts": "export const b = 1;" },
    ],
  ];
  it.each(planted)("catches: %s", async (_name, rule, files) => {
    const report = await checkDirection(plant(files));
    expect(report.breaches.map((breach) => breach.rule)).toContain(rule);
  });
});
