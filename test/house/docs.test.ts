// Goal: pages made from code say what the code says. Method: make each page again and compare; check that a changed row would differ.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorsPage } from "../../scripts/errors-page.ts";
import { readAccuracy, writeAccuracy } from "../../src/cli/accuracy/accuracy-document.ts";
import { accuracyPage } from "../../src/cli/accuracy/accuracy-page.ts";
import { ACCURACY_PART_IDS } from "../../src/cli/accuracy/accuracy-part.ts";
import { ACCURACY_PARTS } from "../../src/cli/accuracy/accuracy-parts.ts";
import { PUBLISHED_ACCURACY } from "../../src/cli/accuracy/published-accuracy.ts";
import { FITTED_ENGINES } from "../../src/cost/iteration/engines/fitted-engines.ts";

describe("docs", () => {
  it("errors.md equals the error table", () => {
    expect(readFileSync("docs/errors.md", "utf8")).toBe(errorsPage());
  });

  it("accuracy.md equals its rows, which are of every part there is", () => {
    const text = readFileSync("docs/accuracy.json", "utf8");
    const stored = readAccuracy(text);
    const page = readFileSync("docs/accuracy.md", "utf8");
    expect(accuracyPage(stored)).toBe(page);
    expect(writeAccuracy(stored)).toBe(text);
    expect(stored.parts.map(({ id }) => id)).toEqual(ACCURACY_PARTS.map(({ id }) => id));
    expect(ACCURACY_PARTS.map(({ id }) => id)).toEqual(ACCURACY_PART_IDS);
    // A figure that is altered alters the page.
    const [first, ...others] = stored.parts;
    const altered = { ...first!, rows: first!.rows.map((row) => ({ ...row, medianError: row.medianError + 0.01 })) };
    expect(accuracyPage({ ...stored, parts: [altered, ...others] })).not.toBe(page);
    expect(ACCURACY_PARTS.flatMap(({ beside }) => beside).filter((name) => PUBLISHED_ACCURACY[name] === undefined)).toEqual([]);
  });

  it("what-if.md tells the front ends that were fitted", () => {
    const page = readFileSync("docs/what-if.md", "utf8");
    for (const [engine, { frontNs, frontClientNs, frontMixtureNs }] of Object.entries(FITTED_ENGINES)) {
      const fixed = [frontNs, frontNs + frontMixtureNs].map((ns) => `${(ns / 1e6).toFixed(1)} ms`).join(" | ");
      expect(page).toContain(`| ${engine} | ${fixed} | ${(frontClientNs / 1e6).toFixed(2)} ms |`);
    }
  });

  it("ARCHITECTURE.md stays within 300 lines and names every layer", () => {
    const text = readFileSync("ARCHITECTURE.md", "utf8");
    expect(text.split("\n").length).toBeLessThanOrEqual(300);
    for (const word of ["Life of a request", "Where to add a device", "Where to add a policy", "Where to add a reader"])
      expect(text).toContain(word);
  });

  it("every dependency has a line of reason in ARCHITECTURE.md", () => {
    const text = readFileSync("ARCHITECTURE.md", "utf8");
    const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Record<string, Record<string, string>>;
    const names = ["dependencies", "optionalDependencies", "devDependencies"].flatMap((kind) => Object.keys(manifest[kind] ?? {}));
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });
});

/** Names of the package's index whose declaration has no docstring. */
function undocumented(index: string, textOf: (path: string) => string): string[] {
  const names = [...index.matchAll(/^export (?:type )?\{([^}]*)\} from "\.\/([^"]+)";/gm)].flatMap(([, list = "", path = ""]) =>
    list.split(",").flatMap((item) => {
      const name = /^(?:type )?(\w+)/.exec(item.trim())?.[1];
      return name === undefined ? [] : [{ name, path }];
    }),
  );
  return names.flatMap(({ name, path }) => {
    const declared = new RegExp(`(\\*/\\n)?^export (?:async )?(?:function\\*?|interface|type|const|class) ${name}\\b`, "m").exec(
      textOf(path),
    );
    return declared?.[1] === undefined ? [`${path}: ${name}`] : [];
  });
}

describe("public names", () => {
  const index = readFileSync("src/index.ts", "utf8");
  const textOf = (path: string): string => readFileSync(`src/${path}`, "utf8");

  it("have a docstring each, and one without is found", () => {
    expect(undocumented(index, textOf)).toEqual([]);
    expect(undocumented(index, (path) => textOf(path).replace("*/\nexport function bytesOf", "*/\n\nexport function bytesOf"))).toEqual([
      "base/bytes.ts: bytesOf",
    ]);
    expect(index.match(/\w+(?=,| \})/g)!.length).toBeGreaterThan(100);
  });
});
