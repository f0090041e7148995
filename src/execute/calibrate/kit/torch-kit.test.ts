// Goal: the program a user carries to a machine runs there. Method: Python compiles it where Python is here; what it writes is what the reader takes.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { torchKitSchema } from "../../../cost/import/torch-kit/torch-kit-schema.ts";
import { torchKit } from "./torch-kit.ts";

const hasPython = spawnSync("python3", ["--version"]).status === 0;

function compiles(program: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), "heddle-kit-"));
  try {
    const path = join(folder, "kit.py");
    writeFileSync(path, program);
    return spawnSync("python3", ["-m", "py_compile", path]).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("the PyTorch kit", () => {
  it.runIf(hasPython)("is Python that compiles, and a slip in it would show", () => {
    expect(compiles(torchKit())).toBe(true);
    expect(compiles(torchKit().replace("def main():", "def main(:"))).toBe(false);
  });

  it("names every operator, field and form the reader knows, and imports PyTorch alone", () => {
    const program = torchKit();
    const { rows, ...fields } = torchKitSchema.shape;
    for (const field of [...Object.keys(fields), "rows"]) expect(program).toContain(`"${field}"`);
    expect(rows).toBeDefined();
    for (const op of ["product", "prefill-attention", "decode-attention", "experts", "stream", "collective"])
      expect(program).toContain(`"op": "${op}"`);
    const imported = [...program.matchAll(/^\s*import ([\w.]+)/gm)].map(([, name]) => name!.split(".")[0]);
    const standard = new Set(["argparse", "datetime", "json", "os", "platform", "socket", "statistics", "sys", "tempfile", "time"]);
    expect(imported.filter((name) => !standard.has(name!))).toEqual(imported.filter((name) => name === "torch"));
  });
});
