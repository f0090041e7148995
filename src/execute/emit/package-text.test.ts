// A package is read from a wheel or from the folder it is installed in, and one that is something else is an error that says so.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { strToU8, zipSync } from "fflate";
import { afterAll, describe, expect, it } from "vitest";
import { readPackageOptions } from "../../plan/emit/options/read/read-package.ts";
import { openPackageText } from "./package-text.ts";

const FILES = {
  "vllm/engine/arg_utils.py": 'group.add_argument("--rank", type=int)\n',
  "vllm-9.8.dist-info/METADATA": "Name: vllm\nVersion: 9.8\n",
};
const place = mkdtempSync(join(tmpdir(), "heddle-package-"));
afterAll(() => rmSync(place, { recursive: true }));

describe("a package", () => {
  it("is read from a wheel", () => {
    const path = join(place, "vllm.whl");
    writeFileSync(path, zipSync(Object.fromEntries(Object.entries(FILES).map(([name, text]) => [name, strToU8(text)]))));
    const list = readPackageOptions("vllm", openPackageText(path, "vllm"));
    expect(list.version).toBe("vllm 9.8");
    expect(list.options.get("--rank")).toEqual({ names: ["--rank"], kind: "int" });
    expect(() => openPackageText(path, "sglang")).toThrow(/the package sglang is not in it/);
  });

  it("is read from the folder it is installed in", () => {
    for (const [name, text] of Object.entries(FILES)) {
      mkdirSync(join(place, "site", name, ".."), { recursive: true });
      writeFileSync(join(place, "site", name), text);
    }
    const list = readPackageOptions("vllm", openPackageText(join(place, "site"), "vllm"));
    expect([...list.options.keys()]).toEqual(["--rank", "--help", "-h"]);
  });

  it("that is none is an error", () => {
    const path = join(place, "none.whl");
    writeFileSync(path, "not a zip file");
    expect(() => openPackageText(path, "vllm")).toThrow(/it is no wheel/);
    expect(() => openPackageText(join(place, "nowhere"), "vllm")).toThrow(/cannot be read/);
  });
});
