/** Goal: processes that share a cache never see part of a file and never fail one another. Method: one forgets in a loop while this one writes and reads. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { rackFolder, readIfThere, writeWhole } from "./rack-cache.ts";

const home = mkdtempSync(join(tmpdir(), "heddle-cache-"));
beforeAll(() => vi.stubEnv("HEDDLE_HOME", home));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const FORGET = `
import { forgetMeasurements } from "./dist/src/execute/discover/rack-cache.js";
console.log("begun");
for (const end = Date.now() + 400; Date.now() < end; ) forgetMeasurements("shared");
`;

const ended = async (child: ChildProcess): Promise<number | null> =>
  child.exitCode === null ? ((await once(child, "exit"))[0] as number) : child.exitCode;

it("writes whole files while another process forgets them, and neither fails", async () => {
  const other = spawn(process.execPath, ["--input-type=module", "-e", FORGET], { stdio: ["ignore", "pipe", "inherit"] });
  await once(other.stdout, "data");
  const path = join(rackFolder("shared"), "stages", "a.json");
  const texts = ["1", "2"].map((digit) => digit.repeat(50_000));
  let kept = 0;
  for (const end = Date.now() + 300; Date.now() < end; ) {
    for (const text of texts) {
      writeWhole(path, text);
      const found = readIfThere(path);
      if (found !== undefined) kept += 1;
      expect(found === undefined || texts.includes(found)).toBe(true);
    }
  }
  expect(kept).toBeGreaterThan(0);
  expect(await ended(other)).toBe(0);
  const left = readdirSync(join(home, "racks", "shared"), { recursive: true }).map(String);
  expect(left.filter((name) => name.endsWith(".part"))).toEqual([]);
});
