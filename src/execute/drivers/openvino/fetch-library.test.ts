// Goal: what is fetched is what was pinned, and what stands in the way is told. Method: programs named python3 that stand in for pip.
import { chmodSync, existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fetchOpenvino } from "./fetch-library.ts";

/** An environment whose python3 runs the lines; `$dest` is where pip was told to put the wheel. */
function withPython(lines: string): NodeJS.ProcessEnv {
  const folder = mkdtempSync(join(tmpdir(), "heddle-pip-"));
  const program = join(folder, "python3");
  const dest = 'while [ "$1" != "--dest" ]; do shift; done; dest=$2';
  writeFileSync(program, `#!/bin/sh\n${dest}\n${lines}\n`);
  chmodSync(program, 0o755);
  return { PATH: `${folder}:/usr/bin:/bin`, HEDDLE_HOME: folder };
}

describe.skipIf(process.platform !== "linux" || process.arch !== "x64")("fetching OpenVINO", () => {
  it("refuses a wheel that is not the pinned one, and leaves nothing behind", async () => {
    const env = withPython('echo other > "$dest/openvino-2026.4.1-22982-cp311-cp311-manylinux_2_28_x86_64.whl"');
    await expect(fetchOpenvino({ env })).rejects.toMatchObject({ code: "checksum-mismatch" });
    expect(existsSync(join(env["HEDDLE_HOME"]!, "openvino", "2026.4.1"))).toBe(false);
  });

  it("tells pip's words where the registry does not answer", async () => {
    const env = withPython('echo "ERROR: No matching distribution found for openvino" >&2; exit 1');
    await expect(fetchOpenvino({ env })).rejects.toMatchObject({
      code: "driver-missing",
      detail: expect.stringMatching(/No matching distribution.*HEDDLE_OPENVINO/),
    });
  });

  it("says so where there is no Python", async () => {
    const home = mkdtempSync(join(tmpdir(), "heddle-pip-"));
    const env = { PATH: home, HEDDLE_HOME: home };
    await expect(fetchOpenvino({ env })).rejects.toMatchObject({ detail: expect.stringContaining("not installed") });
  });
});
