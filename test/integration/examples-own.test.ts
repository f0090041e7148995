/** Goal: the examples of a policy and a device of one's own run from the built package's public names and stay short. Method: node runs what was built. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const LINES_MAX = 60;
const printed = (name: string): string =>
  execFileSync(process.execPath, [`dist/examples/${name}.js`], { encoding: "utf8", timeout: 110_000 });

describe("examples of what one can bring", () => {
  it("a policy decides where stages run", () => {
    const lines = printed("custom-policy").trim().split("\n");
    expect(lines).toEqual(["y begins with 3", "two layers[first] ran on cpu-0", "two layers[second] ran on cpu-1"]);
  }, 120_000);

  it("a device runs the operators it takes, and says why it refuses others", () => {
    const lines = printed("custom-device").trim().split("\n");
    expect(lines[0]).toBe("y = 31, 0");
    expect(lines).toContain("mlp[relu] ran on relu-unit");
    expect(lines.find((line) => line.startsWith("relu-unit refused mlp[product]"))).toContain("it computes Relu alone");
  }, 120_000);

  it.each(["custom-policy", "custom-device"])("%s is short and imports public names alone", (name) => {
    const text = readFileSync(`examples/${name}.ts`, "utf8");
    expect(text.split("\n").length).toBeLessThanOrEqual(LINES_MAX);
    expect([...text.matchAll(/from "(.*)"/g)].map((match) => match[1])).toEqual(["heddle"]);
  });
});

describe("the README's example", () => {
  it("is the file that is built, and runs", () => {
    const block = /```ts\n([\s\S]*?)\n```/.exec(readFileSync("README.md", "utf8"))?.[1];
    expect(block).toBe(readFileSync("examples/first-run.ts", "utf8").trimEnd());
    expect(printed("first-run")).toContain("Float32Array(2) [ 31, 62 ]");
  }, 120_000);
});
