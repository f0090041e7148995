import type { CommandOption, OptionList } from "./option-list.ts";

/** An argument that the command's own parser would refuse. */
export interface ArgumentFault {
  readonly argument: string;
  readonly detail: string;
}

/**
 * Holds the options of a command line against a list: names, number of values, their types and choices.
 *
 * `positional`: how many arguments without dashes come first. `$(NAME)` stands for a value that is known at launch only. Not checked: values that
 * contradict one another, which only the engine knows.
 */
export function checkArguments(list: OptionList, args: readonly string[], positional: number): ArgumentFault[] {
  const faults: ArgumentFault[] = [];
  if (args.slice(0, positional).some((each) => each.startsWith("-")))
    faults.push({ argument: args[0] ?? "", detail: "a value is wanted here" });
  let at = positional;
  while (at < args.length) {
    const [name, inline] = splitInline(args[at]!);
    const values: string[] = inline === undefined ? [] : [inline];
    at++;
    while (at < args.length && !isOption(args[at]!)) values.push(args[at++]!);
    const fault = faultOf(list, name, values);
    if (fault !== undefined) faults.push({ argument: [name, ...values].join(" "), detail: fault });
  }
  return faults;
}

/** `--x=1` is one argument; a JSON text is a value whatever it holds. */
function splitInline(argument: string): [string, string | undefined] {
  const at = argument.indexOf("=");
  return at < 0 || !isOption(argument) ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}

function isOption(argument: string): boolean {
  return /^--?[a-zA-Z]/.test(argument);
}

function faultOf(list: OptionList, name: string, values: readonly string[]): string | undefined {
  const option = list.options.get(name);
  if (option !== undefined) return valueFault(option, values);
  const positive = name.startsWith("--no-") ? list.options.get(`--${name.slice("--no-".length)}`) : undefined;
  if (positive?.kind === "switch") return values.length === 0 ? undefined : "takes no value";
  return `${list.version} has no such option`;
}

function valueFault(option: CommandOption, values: readonly string[]): string | undefined {
  const { kind, choices } = option;
  if (kind === "other") return undefined;
  if (kind === "flag" || kind === "switch") return values.length === 0 ? undefined : "takes no value";
  if (values.length === 0) return "needs a value";
  if (kind !== "words" && values.length > 1) return "takes one value";
  const known = values.filter((value) => !/^\$\([A-Z][A-Z0-9_]*\)$/.test(value));
  if (choices !== undefined) {
    const other = known.find((value) => !choices.includes(value));
    return other === undefined ? undefined : `takes ${choices.join(", ")}`;
  }
  const wrong = known.find((value) => !fits(kind, value));
  return wrong === undefined ? undefined : `takes ${KIND_WORDS[kind]}, not ${wrong}`;
}

const KIND_WORDS: Readonly<Record<CommandOption["kind"], string>> = {
  flag: "no value",
  switch: "no value",
  int: "a whole number",
  float: "a number",
  text: "a text",
  json: "a JSON document",
  words: "texts",
  other: "anything",
};

function fits(kind: CommandOption["kind"], value: string): boolean {
  if (kind === "int") return /^[+-]?\d+$/.test(value);
  if (kind === "float") return value.trim() !== "" && Number.isFinite(Number(value));
  if (kind === "json") return isJson(value);
  return true;
}

function isJson(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}
