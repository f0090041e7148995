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

it.each([
  [["simulate", "x.yaml"], /required option/],
  [["inspect"], /missing required argument/],
  [["inspect", "x", "--batch", "0"], /whole number above 0/],
])("says %j as JSON where JSON is asked for, with status 2", async (words, message) => {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  expect(await runCommandLine(["node", "heddle", ...words, "--json"])).toBe(2);
  expect(JSON.parse(text)).toMatchObject({ error: { code: "usage", detail: expect.stringMatching(message) as unknown } });
});

it.each([
  [["rack", "catalog", "--nosuch"], "heddle: the command line is not understood (rack catalog): unknown option '--nosuch' [usage]\n"],
  [["inspect"], "heddle: the command line is not understood (inspect): missing required argument 'model' [usage]\n"],
  [["inspekt"], "heddle: the command line is not understood: unknown command 'inspekt' (Did you mean inspect?) [usage]\n"],
])("says %j once, with its code and what to do", async (words, line) => {
  let text = "";
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  expect(await runCommandLine(["node", "heddle", ...words])).toBe(2);
  expect(text).toBe(`${line}  what to do: see \`heddle <command> --help\`\n`);
});
