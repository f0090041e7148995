// Readers of Python source give options or none, whatever the text: they never throw, and never take long.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkArguments } from "../../src/plan/emit/options/check-arguments.ts";
import { optionLines, optionList, parseOptionLines } from "../../src/plan/emit/options/option-list.ts";
import { type CommandName, readPackageOptions } from "../../src/plan/emit/options/read/read-package.ts";

const SEEDS: Readonly<Record<string, string>> = {
  "vllm/config/cache.py": 'X = Literal["a", X]\nclass CacheConfig(Base):\n    size: int | None = Field(default=None)\n    kind: X = "a"\n',
  "vllm/engine/arg_utils.py":
    'kw = get_kwargs(CacheConfig)\ng.add_argument("--size", "-s", **kw["size"])\ng.add_argument("--kind", **{**kw["kind"]}, help="(\'")\n',
  "sglang/srt/arg_groups/fields/one.py":
    'class One:\n    tp: A[int, Arg(help="x", aliases=["--t"])] = 1\n    mode: A[Literal["a"], "b"] = "a"\n',
  "tensorrt_llm/commands/serve.py": '@click.command("serve")\n@click.option("--size", type=click.Choice(["a"]))\ndef serve(): pass\n',
  "dynamo/vllm/args.py": 'add_argument(g, flag_name="--m", choices=["a"] + [b])\nadd_negatable_bool_argument(g, flag_name="--n")\n',
};
const COMMANDS: readonly CommandName[] = ["vllm", "sglang", "trtllm", "dynamo-vllm"];
const PIECES = [
  "(",
  ")",
  "[",
  "]",
  "{",
  "}",
  '"',
  "'",
  '"""',
  "#",
  "\n",
  "\\",
  ",",
  "=",
  "**",
  "add_argument(",
  "class X(",
  "    a: A[",
  "Literal[",
  "|",
  "X = X",
];

const mutation = fc.array(fc.tuple(fc.nat(400), fc.nat(3), fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 8 }))), {
  maxLength: 12,
});

function mutated(text: string, changes: readonly (readonly [number, number, string])[]): string {
  let out = text;
  for (const [at, drop, piece] of changes) out = out.slice(0, at % (out.length + 1)) + piece + out.slice((at % (out.length + 1)) + drop);
  return out;
}

describe("readers of options", () => {
  it("give options or none for mutated source", () => {
    fc.assert(
      fc.property(fc.constantFrom(...COMMANDS), mutation, (command, changes) => {
        const files = Object.fromEntries(Object.entries(SEEDS).map(([path, text]) => [path, mutated(text, changes)]));
        const list = readPackageOptions(command, { version: "x 1", paths: Object.keys(files), read: (path) => files[path]! });
        expect(list.options.get("--help")).toBeDefined();
        checkArguments(list, ["--size", "4", "--kind=a", "-s"], 0);
      }),
      { numRuns: 400, seed: 7 },
    );
  });

  it("read back the lines that they are kept as", () => {
    const name = fc.stringMatching(/^--[a-z][a-z-]{0,8}$/);
    const option = fc.record({
      names: fc.uniqueArray(name, { minLength: 1, maxLength: 2 }),
      kind: fc.constantFrom("int" as const, "text" as const, "flag" as const),
    });
    fc.assert(
      fc.property(fc.uniqueArray(option, { selector: ({ names }) => names.join(), maxLength: 8 }), (options) => {
        const read = parseOptionLines(optionLines(options));
        expect(optionLines(read)).toBe(optionLines(options));
        expect(optionList("x", "written", read).options.size).toBe(optionList("x", "written", options).options.size);
      }),
      { numRuns: 100, seed: 8 },
    );
  });

  it("take time in proportion to text that never closes", () => {
    const text = `${'add_argument("--x", ('.repeat(2000)}`;
    const list = readPackageOptions("dynamo-vllm", { version: "x 1", paths: ["dynamo/vllm/args.py"], read: () => text });
    expect(list.options.size).toBe(2);
  });
});
