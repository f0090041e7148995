// Options are read from Python source without running it: names, types and choices as the parsers of vLLM, SGLang, click and Dynamo declare them.
import { describe, expect, it } from "vitest";
import type { CommandOption } from "../option-list.ts";
import { pythonCalls, splitTop, stringList } from "./python-text.ts";
import { type CommandName, readPackageOptions } from "./read-package.ts";

const VLLM = {
  "vllm/config/cache.py": `
CacheDType = Literal["auto", "fp8"]
Other = Literal["x", CacheDType]
@config
class CacheConfig:
    """Configuration.

    Example: 3
    """
    block_size: int = Field(default=None, gt=0)  # type: ignore
    cache_dtype: CacheDType | str = "auto"
    policy: Other = "x"
    enable: bool = True
    extra: dict[str, Any] | None = None
    nested: SomeConfig | None = None
    names: list[str] | None = None

    def method(self):
        inner: int = 3

class NotThis:
    policy: int = 1
`,
  "vllm/engine/arg_utils.py": `
def add_cli_args(parser):
    cache_kwargs = get_kwargs(CacheConfig)
    group.add_argument("--block-size", "-b", **cache_kwargs["block_size"])
    group.add_argument("--kv-cache-dtype", **cache_kwargs["cache_dtype"])
    group.add_argument("--policy", **{**cache_kwargs["policy"], "default": None})
    group.add_argument("--enable", **cache_kwargs["enable"])
    group.add_argument("--extra", **cache_kwargs["extra"])
    group.add_argument("--nested", **cache_kwargs["nested"])
    group.add_argument("--names", **cache_kwargs["names"])
    group.add_argument("--rank", type=int, help="with (brackets, and \\"quotes\\" # no comment")
    group.add_argument("--headless", action="store_true", default=False)
`,
  "vllm/entrypoints/common/cli_args.py": "class FrontendArgs(Base):\n    host: str | None = None\n    log: bool = False\n",
};

const SGLANG = {
  "sglang/srt/arg_groups/choices.py": 'KINDS = [\n    "a",\n    "b",\n]\n',
  "sglang/srt/arg_groups/fields/one.py": `
class One(msgspec.Struct):
    tp_size: A[int, Arg(help="The (size).", aliases=["--tensor-parallel-size"])] = 1
    kind: A[str, Arg(help="k", choices=KINDS)] = "a"
    mode: A[Literal["null", "prefill"], 'Only "prefill"'] = "null"
    fraction: A[Optional[float], "help"] = None
    off: A[bool, Arg(help="x")] = False
    hidden: A[bool, Arg(no_cli=True)] = False
    config: A[Optional[Dict[str, Any]], Arg(help="c", type_parser=json.loads)] = None
`,
  "sglang/srt/server_args.py": 'parser.add_argument("--old", action=DeprecatedStoreTrueAction, help="x")\n',
};

const DYNAMO = {
  "dynamo/vllm/backend_args.py": `
add_argument(g, flag_name="--mode", obsolete_flag="--old-mode", choices=["agg"] + [m.value for m in Mode], help="x")
add_argument(g, flag_name="--points", arg_type=int, help="x")
add_negatable_bool_argument(g, flag_name="--multimodal", default=False, help="x")
`,
};

const TRTLLM = {
  "tensorrt_llm/commands/serve.py": `
@click.command("serve")
@click.option("--max_batch_size", type=int, help=tag("x", "beta"))
@click.option("--backend", type=ChoiceWithAlias(["pytorch", "trt"], {"t": "trt"}))
@click.option("--config", "--extra", "extra", type=str)
@click.option("--trust", is_flag=True)
def serve(model):
    pass
@click.command("other")
@click.option("--not_this", type=int)
def other():
    pass
`,
};

function options(command: CommandName, files: Readonly<Record<string, string>>): Readonly<Record<string, Omit<CommandOption, "names">>> {
  const list = readPackageOptions(command, { version: "test 1", paths: Object.keys(files), read: (path) => files[path]! });
  return Object.fromEntries(
    [...list.options].filter(([name]) => name !== "--help" && name !== "-h").map(([name, { names: _names, ...rest }]) => [name, rest]),
  );
}

describe("options of", () => {
  it("vllm come with the types of the classes their fields are in", () => {
    expect(options("vllm", VLLM)).toEqual({
      "--block-size": { kind: "int" },
      "-b": { kind: "int" },
      "--kv-cache-dtype": { kind: "text" },
      "--policy": { kind: "text", choices: ["x", "auto", "fp8"] },
      "--enable": { kind: "switch" },
      "--extra": { kind: "json" },
      "--nested": { kind: "json" },
      "--names": { kind: "words" },
      "--rank": { kind: "int" },
      "--headless": { kind: "flag" },
      "--host": { kind: "text" },
      "--log": { kind: "switch" },
    });
  });

  it("sglang come from annotated fields and from what is registered by hand", () => {
    expect(options("sglang", SGLANG)).toEqual({
      "--tp-size": { kind: "int" },
      "--tensor-parallel-size": { kind: "int" },
      "--kind": { kind: "text", choices: ["a", "b"] },
      "--mode": { kind: "text", choices: ["null", "prefill"] },
      "--fraction": { kind: "float" },
      "--off": { kind: "flag" },
      "--config": { kind: "json" },
      "--old": { kind: "other" },
    });
  });

  it("dynamo are those with a flag name; choices that are computed are not checked", () => {
    const found = options("dynamo-vllm", DYNAMO);
    expect(found).toEqual({
      "--mode": { kind: "other" },
      "--old-mode": { kind: "other" },
      "--points": { kind: "int" },
      "--multimodal": { kind: "switch" },
    });
  });

  it("trtllm are those of the command serve", () => {
    expect(options("trtllm", TRTLLM)).toEqual({
      "--max_batch_size": { kind: "int" },
      "--backend": { kind: "text", choices: ["pytorch", "trt"] },
      "--config": { kind: "text" },
      "--extra": { kind: "text" },
      "--trust": { kind: "flag" },
    });
  });
});

describe("Python text", () => {
  it("is split outside brackets, strings and comments", () => {
    expect(splitTop(`"a, b", (1, 2), # c, d\n x=")"`)).toEqual([`"a, b"`, "(1, 2)", `x=")"`]);
    expect(pythonCalls('f(g("(" , 1), x)', "g")[0]!.positional).toEqual(['"("', "1"]);
    expect(pythonCalls("def f(a): pass", "f")).toEqual([]);
    expect(stringList('["a", "b", c]')).toBeUndefined();
  });
});
