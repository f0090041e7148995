// Goal: the library is looked for where and in the order that is documented. Method: folders with empty files of its name.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findOpenvino, howToInstall, libraryVersion } from "./library-path.ts";

const NAME = "libopenvino_c.so.2641";

function placed(...parts: readonly string[]): string {
  const folder = join(mkdtempSync(join(tmpdir(), "heddle-openvino-")), ...parts);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, NAME), "");
  return folder;
}

describe("where OpenVINO is looked for", () => {
  const venv = placed("venv", "lib", "python3.11", "site-packages", "openvino", "libs");
  const prefix = venv.slice(0, venv.indexOf("/lib/"));
  const kept = placed("heddle", "openvino", "2026.4.1");
  const linked = placed("system");
  const env = { VIRTUAL_ENV: prefix, LD_LIBRARY_PATH: linked, HEDDLE_HOME: kept.slice(0, kept.indexOf("/openvino/")), PATH: "" };

  it("takes what the user names, a folder or the file, and nothing else instead", () => {
    const named = placed("mine");
    expect(findOpenvino({ ...env, HEDDLE_OPENVINO: named })).toEqual({ path: join(named, NAME), source: "HEDDLE_OPENVINO" });
    expect(findOpenvino({ ...env, HEDDLE_OPENVINO: join(named, NAME) })?.path).toBe(join(named, NAME));
    const missing = { ...env, HEDDLE_OPENVINO: "/nowhere" };
    expect(findOpenvino(missing)).toBeUndefined();
    expect(howToInstall(missing)).toContain("/nowhere");
  });

  it("then pip's, a system's and its own", () => {
    expect(findOpenvino(env)).toEqual({ path: join(venv, NAME), source: "pip" });
    expect(findOpenvino({ ...env, VIRTUAL_ENV: "" })).toEqual({ path: join(linked, NAME), source: "system" });
    expect(findOpenvino({ HEDDLE_HOME: env.HEDDLE_HOME, PATH: "" })).toEqual({ path: join(kept, NAME), source: "heddle's cache" });
    expect(findOpenvino({ HEDDLE_HOME: "/nowhere", PATH: "" })).toBeUndefined();
    expect(howToInstall({})).toContain("heddle driver pull openvino");
  });

  it("finds it beside the python3 of the path", () => {
    mkdirSync(join(prefix, "bin"));
    writeFileSync(join(prefix, "bin", "python3"), "");
    expect(findOpenvino({ HEDDLE_HOME: "/nowhere", PATH: `/nowhere/bin:${join(prefix, "bin")}` })?.path).toBe(join(venv, NAME));
  });

  it("tells versions apart without loading them", () => {
    expect(libraryVersion(join(venv, NAME))).toBe("2641");
  });
});
