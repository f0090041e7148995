// Goal: pages made from code say what the code says. Method: make each page again and compare; check that a changed row would differ.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorsPage } from "../../scripts/errors-page.ts";

describe("docs", () => {
  it("errors.md equals the error table", () => {
    expect(readFileSync("docs/errors.md", "utf8")).toBe(errorsPage());
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
