import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { newRunFolder } from "./run-folder.ts";

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "heddle-runs-"));
  vi.stubEnv("HEDDLE_HOME", home);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

const stamp = (at: number): string => new Date(at).toISOString().replace(/[-:.]/g, "");

/** A folder of a run, as one that began then left it. */
function run(at: number, pid: number): string {
  const folder = join(home, "runs", `${stamp(at)}-${pid}`);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Twenty later runs of a process that has ended. */
async function twentyLater(at: number): Promise<void> {
  const ended = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(ended, "exit");
  for (let i = 1; i <= 20; i++) run(at + i, ended.pid!);
}

describe("the folder of a run", () => {
  it("stays while the process that began it runs, and goes when that was killed", async () => {
    const writer = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    await once(writer, "spawn");
    const began = Date.now();
    const folder = run(began, writer.pid!);
    await twentyLater(began);
    newRunFolder();
    expect(existsSync(folder)).toBe(true);
    writer.kill("SIGKILL");
    await once(writer, "exit");
    newRunFolder();
    expect(existsSync(folder)).toBe(false);
  });

  it.runIf(process.platform === "linux")("goes where another process has the number by now", async () => {
    const longAgo = Date.UTC(2001, 0, 1);
    const folder = run(longAgo, process.pid);
    await twentyLater(longAgo);
    newRunFolder();
    expect(existsSync(folder)).toBe(false);
  });
});
