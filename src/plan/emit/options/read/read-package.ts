import { type CommandOption, type OptionList, optionList } from "../option-list.ts";
import { annotationKind } from "./annotation.ts";
import { classFields, moduleNames } from "./class-fields.ts";
import { callOf, closingBracket, splitTop, stringList, stringLiteral } from "./python-text.ts";
import { readArgparse } from "./read-argparse.ts";

/** Source files of an installed or packed Python package: paths with `/`, such as `vllm/engine/arg_utils.py`. */
export interface PackageText {
  /** Name and version from the package's metadata, such as `vllm 0.33.0`. */
  readonly version: string;
  readonly paths: readonly string[];
  read(path: string): string;
}

/** Commands whose options are known, with the package that declares them. */
export type CommandName =
  | "vllm"
  | "sglang"
  | "trtllm"
  | "vllm-router"
  | "sglang-router"
  | "dynamo-vllm"
  | "dynamo-sglang"
  | "dynamo-trtllm"
  | "dynamo-frontend";

/** Which files of a package declare the options of a command. */
export function readPackageOptions(command: CommandName, source: PackageText): OptionList {
  return optionList(source.version, "package", withHelp(READERS[command](source)));
}

const READERS: Readonly<Record<CommandName, (source: PackageText) => CommandOption[]>> = {
  vllm: readVllm,
  sglang: readSglang,
  trtllm: (source) => readArgparse(serveCommand(textOf(source, /commands\/serve\.py$/))),
  "vllm-router": (source) => readArgparse(textOf(source, /^vllm_router\/router_args\.py$/)),
  "sglang-router": (source) => readArgparse(textOf(source, /^sglang_router\/router_args\.py$/)),
  "dynamo-vllm": (source) => readDynamo(source, "vllm"),
  "dynamo-sglang": (source) => readDynamo(source, "sglang"),
  "dynamo-trtllm": (source) => readDynamo(source, "trtllm"),
  "dynamo-frontend": (source) =>
    readArgparse(textOf(source, /^dynamo\/(frontend\/frontend_args|common\/configuration\/groups\/\w*router_args)\.py$/)),
};

function withHelp(options: readonly CommandOption[]): CommandOption[] {
  return [...options, { names: ["--help", "-h"], kind: "flag" }];
}

function textOf(source: PackageText, pattern: RegExp): string {
  return source.paths
    .filter((path) => pattern.test(path))
    .map((path) => source.read(path))
    .join("\n");
}

/** `add_argument("--x", **cache_kwargs["x"])`, where `cache_kwargs = get_kwargs(CacheConfig)` and the class annotates the field. */
function readVllm(source: PackageText): CommandOption[] {
  const configs = textOf(source, /^vllm\/config\/\w+\.py$/);
  const engine = textOf(source, /^vllm\/engine\/arg_utils\.py$/);
  const launch = textOf(source, /^vllm\/entrypoints\/(common\/|openai\/)?cli_args\.py$/);
  const aliases = moduleNames(configs);
  const classOf = new Map([...`${engine}\n${launch}`.matchAll(/(\w+)\s*=\s*get_kwargs\((\w+)\)/g)].map((match) => [match[1]!, match[2]!]));
  const fields = new Map<string, Map<string, string>>();
  const fieldsOf = (className: string): Map<string, string> => {
    const known = fields.get(className) ?? classFields(`${configs}\n${launch}`, className);
    fields.set(className, known);
    return known;
  };
  const named = readArgparse(`${engine}\n${launch}`, (dictionary, key) => {
    const annotation = fieldsOf(classOf.get(dictionary) ?? "").get(key);
    return annotation === undefined ? undefined : annotationKind(annotation, aliases);
  });
  // The front end registers every field of its classes.
  const frontEnd = ["BaseFrontendArgs", "FrontendArgs"].flatMap((name) => [...fieldsOf(name)]);
  return [...named, ...frontEnd.map(([name, annotation]) => ({ names: [dashed(name)], ...annotationKind(annotation, aliases) }))];
}

/** Fields `name: A[type, Arg(...)]` of the classes in `arg_groups/fields`, and what is registered by hand. */
function readSglang(source: PackageText): CommandOption[] {
  const choices = moduleNames(textOf(source, /^sglang\/srt\/arg_groups\/choices\.py$/));
  const text = textOf(source, /^sglang\/srt\/arg_groups\/fields\/\w+\.py$/);
  const options: CommandOption[] = [];
  for (const match of text.matchAll(/^ {4}(\w+): A\[/gm)) {
    const open = match.index + match[0].length - 1;
    const close = closingBracket(text, open);
    if (close !== undefined) options.push(...sglangField(match[1]!, splitTop(text.slice(open + 1, close)), choices));
  }
  return [...options, ...readArgparse(textOf(source, /^sglang\/srt\/server_args\.py$/))];
}

function sglangField(name: string, [type, meta]: readonly string[], choices: ReadonlyMap<string, string>): CommandOption[] {
  if (type === undefined || meta === undefined) return [];
  const arg = meta.startsWith("Arg(") ? callOf(meta.slice("Arg(".length, -1)) : undefined;
  if (arg?.named.get("no_cli") === "True") return [];
  const names = [stringLiteral(arg?.named.get("cli_name") ?? "") ?? dashed(name), ...(stringList(arg?.named.get("aliases") ?? "") ?? [])];
  const parser = arg?.named.get("type_parser");
  const kind = annotationKind(type, new Map());
  if (arg?.named.has("action") === true || arg?.named.has("nargs") === true) return [{ names, kind: "other" }];
  if (parser !== undefined) return [{ names, kind: parser === "json.loads" ? "json" : kind.kind === "int" ? "int" : "other" }];
  const given = arg?.named.get("choices");
  if (given !== undefined) {
    const listed = stringList(given) ?? stringList(choices.get(given) ?? "");
    return [listed === undefined ? { names, kind: "other" } : { names, kind: "text", choices: listed }];
  }
  return [{ names, ...kind, kind: kind.kind === "switch" ? "flag" : kind.kind }];
}

/** The command `serve` alone: the file declares others beside it. */
function serveCommand(text: string): string {
  const from = text.indexOf('@click.command("serve")');
  const end = text.indexOf("\ndef ", from);
  return from < 0 ? "" : text.slice(from, end < 0 ? undefined : end);
}

/** A worker of Dynamo takes its own options, those of the runtime and all of its engine; the engine's are in another package. */
function readDynamo(source: PackageText, engine: string): CommandOption[] {
  return readArgparse(textOf(source, new RegExp(`^dynamo/(${engine}/(backend_args|args)|common/configuration/groups/runtime_args)\\.py$`)));
}

function dashed(field: string): string {
  return `--${field.replaceAll("_", "-")}`;
}
