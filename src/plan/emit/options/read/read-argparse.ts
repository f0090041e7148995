import type { CommandOption, OptionKind } from "../option-list.ts";
import type { AnnotationKind } from "./annotation.ts";
import { type PythonCall, pythonCalls, stringList, stringLiteral } from "./python-text.ts";

const TYPES: Readonly<Record<string, OptionKind>> = { int: "int", float: "float", str: "text", "json.loads": "json" };
const FLAGS: readonly string[] = ['"store_true"', "'store_true'", '"store_false"', '"version"'];

const OPTION_NAME = /^--?[a-zA-Z][\w.-]*$/;

/** What stands for `**model_kwargs["max_model_len"]`: the dictionary's name and its key. */
export type SpreadKind = (dictionary: string, key: string) => AnnotationKind | undefined;

/**
 * Options that Python source registers by `add_argument` (argparse, and wrappers with `flag_name`), `add_negatable_bool_argument` or `click.option`.
 *
 * Choices that are computed are unknown, and then not checked.
 */
export function readArgparse(text: string, spreadKind: SpreadKind = () => undefined): CommandOption[] {
  const registered = ["add_argument", "click.option"].flatMap((name) => pythonCalls(text, name));
  const switches = pythonCalls(text, "add_negatable_bool_argument");
  return [
    ...registered.flatMap((call) => optionOf(call, kindOf(call, spreadKind))),
    ...switches.flatMap((call) => optionOf(call, { kind: "switch" })),
  ];
}

function optionOf(call: PythonCall, kind: AnnotationKind): CommandOption[] {
  const given = [...call.positional, call.named.get("flag_name") ?? "", call.named.get("obsolete_flag") ?? ""];
  const names = given.map(stringLiteral).filter((name) => name !== undefined && OPTION_NAME.test(name)) as string[];
  return names.length === 0 ? [] : [{ names, ...kind }];
}

function kindOf(call: PythonCall, spreadKind: SpreadKind): AnnotationKind {
  for (const spread of call.spread) {
    const match = /(\w+)\["(\w+)"\]/.exec(spread);
    const kind = match === null ? undefined : spreadKind(match[1]!, match[2]!);
    if (kind !== undefined) return kind;
  }
  const action = call.named.get("action");
  if (action !== undefined) return { kind: FLAGS.includes(action) ? "flag" : /BooleanOptionalAction/.test(action) ? "switch" : "other" };
  if (call.named.get("is_flag") === "True") return { kind: "flag" };
  if (call.named.has("nargs")) return { kind: call.named.get("nargs") === '"?"' ? "other" : "words" };
  const type = call.named.get("type") ?? call.named.get("arg_type") ?? "str";
  const choices = stringList(call.named.get("choices") ?? "") ?? stringList(/Choice(?:WithAlias)?\((\[[^\]]*\])/.exec(type)?.[1] ?? "");
  if (choices !== undefined) return { kind: "text", choices };
  // A set of choices that is computed: any text is let pass.
  return { kind: call.named.has("choices") ? "other" : (TYPES[type] ?? "other") };
}
