// Goal: a reader that stops reading, such as `head`, is no error. Method: a help text longer than a line into `head -n 1`, many times over.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, it } from "vitest";

it("a pipe that is closed early ends the command without a word", { timeout: 60_000 }, () => {
  const command = `"${process.execPath}" "${resolve("dist/src/cli/main.js")}" plan --help`;
  // The pipe holds 64 KiB: the help is printed once it is closed.
  const { stdout, stderr } = spawnSync("sh", ["-c", `( sleep 0.1; ${command} ) | true; ${command} | head -n 1`], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout).toBe("Usage: heddle plan [options] [model]\n");
});
