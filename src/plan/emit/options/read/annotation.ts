import type { CommandOption, OptionKind } from "../option-list.ts";
import { splitTop, stringLiteral } from "./python-text.ts";

/** What an annotation of a field means for its option. */
export type AnnotationKind = Pick<CommandOption, "kind" | "choices">;

const SIMPLE: Readonly<Record<string, OptionKind>> = { int: "int", float: "float", str: "text", dict: "json" };
/** Aliases of aliases are followed so far. */
const DEPTH_MAX = 4;

/**
 * Kind of the option that a command makes of an annotated field.
 *
 * Model: the order in which vLLM's `get_kwargs` decides: classes, then bool, Literal, sequences, int, float, dict, str; a Literal beside `str` takes any
 * text. `aliases` maps names of types to what they stand for; a name of a class that is no alias is a JSON document.
 */
export function annotationKind(annotation: string, aliases: ReadonlyMap<string, string>): AnnotationKind {
  const members = unionMembers(annotation, aliases, 0);
  const names = new Set(members.map((member) => /^[\w.]+/.exec(member)?.[0] ?? ""));
  if (members.some((member) => /^[A-Z]\w*Config$/.test(member))) return { kind: "json" };
  if (names.has("bool")) return { kind: names.has("str") ? "other" : "switch" };
  const literals = members.filter((member) => member.startsWith("Literal["));
  if (literals.length > 0) return literalKind(literals, names.has("str"), aliases);
  if (["tuple", "list", "set", "List", "Tuple"].some((name) => names.has(name))) return { kind: "words" };
  for (const name of ["int", "float"]) if (names.has(name)) return { kind: SIMPLE[name]! };
  if (names.has("dict") || names.has("Dict")) return { kind: names.has("str") ? "text" : "json" };
  return { kind: names.has("str") ? "text" : "other" };
}

function literalKind(literals: readonly string[], free: boolean, aliases: ReadonlyMap<string, string>): AnnotationKind {
  if (free) return { kind: "text" };
  const values = literals.flatMap((each) => literalValues(each, aliases, 0)).filter((value) => value !== "None");
  return { kind: "text", choices: [...new Set(values)] };
}

/** Values of a Literal; one that names another has that one's. */
function literalValues(literal: string, aliases: ReadonlyMap<string, string>, depth: number): string[] {
  if (!literal.startsWith("Literal[") || depth > DEPTH_MAX) return [];
  return splitTop(literal.slice("Literal[".length, -1)).flatMap((value) => {
    const named = aliases.get(value);
    return named === undefined ? [stringLiteral(value) ?? value] : literalValues(named, aliases, depth + 1);
  });
}

function unionMembers(annotation: string, aliases: ReadonlyMap<string, string>, depth: number): string[] {
  const text = annotation.trim();
  const wrapped = /^(?:Optional|Union|Annotated)\[([\s\S]*)\]$/.exec(text);
  if (wrapped !== null) {
    const parts = splitTop(wrapped[1]!);
    return (text.startsWith("Annotated") ? parts.slice(0, 1) : parts).flatMap((part) => unionMembers(part, aliases, depth));
  }
  const parts = splitUnion(text);
  if (parts.length > 1) return parts.flatMap((part) => unionMembers(part, aliases, depth));
  const alias = depth < DEPTH_MAX ? aliases.get(text) : undefined;
  return alias === undefined ? [text] : unionMembers(alias, aliases, depth + 1);
}

/** Parts between `|` outside brackets. */
function splitUnion(text: string): string[] {
  const parts: string[] = [""];
  let depth = 0;
  for (const char of text) {
    if ("([{".includes(char)) depth++;
    if (")]}".includes(char)) depth--;
    if (char === "|" && depth === 0) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim());
}
