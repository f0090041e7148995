import { z } from "zod";

/** Longest identifier or path a file may hold. */
const NAME_LENGTH_MAX = 200;

/** A name shown to people and compared by programs: no control characters, nothing empty. */
export const nameText = z
  .string()
  .min(1)
  .max(NAME_LENGTH_MAX)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, "must not hold control characters");

/** Longest text that says where a figure comes from. */
export const SOURCE_LENGTH_MAX = 500;

/** Where a figure was read or how it was measured. */
export const sourceText = z
  .string()
  .min(1)
  .max(SOURCE_LENGTH_MAX)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u, "must not hold control characters");

/** A duration, size or rate that may be 0 (never minus 0, which JSON would not keep). */
export const finiteAmount = z
  .number()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .overwrite((amount) => amount + 0);

/** A duration, size or rate above 0. */
export const positive = z.number().gt(0).max(Number.MAX_SAFE_INTEGER);

/** Path of a field as people write it: `devices[0].threads`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const step of path) text += typeof step === "number" ? `[${step}]` : `${text === "" ? "" : "."}${String(step)}`;
  return text === "" ? "the whole file" : text;
}

/** What is said of a field that a form does not have. */
export const NO_SUCH_FIELD = "there is no such field";

/** The issue of a failed check that explains most: an unknown field (often a misspelt one) before what follows from it. */
export function firstIssue(error: z.ZodError): { readonly path: readonly PropertyKey[]; readonly message: string } {
  const unknown = error.issues.find((issue) => issue.code === "unrecognized_keys");
  if (unknown !== undefined) return { path: [...unknown.path, unknown.keys[0] ?? ""], message: NO_SUCH_FIELD };
  const issue = error.issues[0];
  return issue === undefined ? { path: [], message: "is not valid" } : { path: issue.path, message: messageOf(issue) };
}

/** What stands where something else is meant, in the library's words. */
const OTHER_TYPE = /^Invalid input: expected (\w+), received (\w+)$/;

/** The library's words, but for those that people meet most: a field that is not there or of another type, and one that may have one value alone. */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type" && issue.message.endsWith("received undefined"))
    return `it is missing; ${nameOf(issue.expected)} is meant`;
  const other = issue.code === "invalid_type" ? OTHER_TYPE.exec(issue.message) : null;
  if (other !== null) return `is ${nameOf(other[2]!)}; ${nameOf(other[1]!)} is meant`;
  if (issue.code === "invalid_value" && issue.values.length === 1) return `must be ${String(issue.values[0])}`;
  return issue.message;
}

/** A type in the words of who writes a file. */
function nameOf(type: string): string {
  const names: Readonly<Record<string, string>> = {
    null: "empty",
    object: "a map",
    array: "a list",
    string: "text",
    boolean: "true or false",
    int: "a whole number",
  };
  return names[type] ?? `a ${type}`;
}
