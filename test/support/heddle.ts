import { spawnSync } from "node:child_process";
import { vi } from "vitest";
import { runCommandLine } from "../../src/cli/command-line.ts";

/** What a command line came to. */
export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/** Runs the compiled program in a process of its own. */
export function heddleProcess(...words: readonly string[]): Ran {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["dist/src/cli/main.js", ...words], { encoding: "utf8" });
  return { stdout, stderr, status };
}

/**
 * Runs a command line in this process as the program does; one at a time.
 *
 * Why: a process loads hundreds of modules anew, which costs more than most commands do. What only a process shows (signals, streams that close) needs one.
 */
export async function heddle(...words: readonly string[]): Promise<Ran> {
  const printed = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((chunk) => {
      printed[stream] += String(chunk);
      return true;
    }),
  );
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    const status = await runCommandLine(["node", "heddle", ...words]);
    return { ...printed, status };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
