// Goal: every command is found by its name and told by `heddle --help`. Method: each definition alone, and the help of all, in this process.
import { Command } from "commander";
import { afterEach, expect, it, vi } from "vitest";
import { COMMANDS, runCommandLine } from "./command-line.ts";

afterEach(() => vi.restoreAllMocks());

it.each(COMMANDS)("$name is defined under its name, with a description", async ({ name, add }) => {
  const program = new Command();
  await add(program);
  expect(program.commands.map((command) => command.name())).toEqual([name]);
  expect(program.commands[0]!.description()).not.toBe("");
});

it("tells every command, and ends with status 0", async () => {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await runCommandLine(["node", "heddle", "--help"])).toBe(0);
  const told = [...text.matchAll(/^ {2}([a-z-]+) .*[a-z]/gm)].map(([, name]) => name);
  expect(told.filter((name) => name !== "help")).toEqual(COMMANDS.map(({ name }) => name));
});
