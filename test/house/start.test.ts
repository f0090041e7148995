// Goal: help and errors of options load no library and none of what a command does, so that `heddle` starts at once; and the check that says so can fail.
// Method: the imports that the definitions of all commands need, then planted trees.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { startImports } from "../../scripts/start-imports.ts";

const DEFINITIONS = readdirSync("src/cli/commands").map((name) => `src/cli/commands/${name}`);
const ENTRIES = ["src/cli/main.ts", ...DEFINITIONS];
/** Of one command: its options, with lists that help shows and readers of their values. */
const FILES_MAX = 16;

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true });
});

function plant(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "heddle-start-"));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

/** What is wrong with the start of some modules, one line each. */
async function faults(root: string, entries: readonly string[]): Promise<string[]> {
  return [...(await startImports(root, entries))].flatMap(([entry, { files, packages }]) => [
    ...packages.filter((name) => name !== "commander").map((name) => `${entry} loads ${name}`),
    ...(files.length > FILES_MAX ? [`${entry} loads ${files.length} files`] : []),
    ...files.filter((file) => /^src\/(execute|serve|sdk)\/(?!model-store\/catalog)/.test(file)).map((file) => `${entry} loads ${file}`),
  ]);
}

describe("what a command line loads to start", () => {
  it("is commander and the definitions, of every command", async () => {
    expect(DEFINITIONS.length).toBeGreaterThan(20);
    expect(await faults(process.cwd(), ENTRIES)).toEqual([]);
  });

  it.each([
    ["a library", 'import { z } from "zod";\nexport const a = z;', ["src/a.ts loads zod"]],
    ["a library by another file", 'export { b } from "./b.ts";', ["src/a.ts loads yaml"]],
    ["a library for its types, not as types", 'import { type Z } from "zod";\nexport type A = Z;', ["src/a.ts loads zod"]],
    ["a server", 'export { start } from "./serve/start.ts";', ["src/a.ts loads src/serve/start.ts"]],
    [
      "too much",
      Array.from({ length: FILES_MAX }, (_, i) => `export * from "./many/${i}.ts";`).join("\n"),
      [`src/a.ts loads ${FILES_MAX + 1} files`],
    ],
  ])("is refused with %s", async (_name, text, found) => {
    const many = Array.from({ length: FILES_MAX }, (_, i) => [`src/many/${i}.ts`, `export const a${i} = 1;`] as const);
    const root = plant({
      "src/a.ts": text,
      "src/b.ts": 'import { parse } from "yaml";\nexport const b = parse;',
      "src/serve/start.ts": "export const start = 1;",
      ...Object.fromEntries(many),
    });
    expect(await faults(root, ["src/a.ts"])).toEqual(found);
  });

  it("leaves out types and what is loaded later", async () => {
    const root = plant({
      "src/a.ts": 'import type { Z } from "zod";\nexport const a = async (): Promise<Z> => (await import("./b.ts")).b;',
      "src/b.ts": 'import { z } from "zod";\nexport const b = z;',
    });
    expect(await faults(root, ["src/a.ts"])).toEqual([]);
  });
});
