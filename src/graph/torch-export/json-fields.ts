import { invalid } from "./failures.ts";

/** A JSON object whose fields are looked at one by one. */
export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(where, `${shown(value)} stands where fields are`);
  return value as Fields;
}

export function listOf(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(where, `${shown(value)} stands where a list is`);
  return value;
}

export function textOf(value: unknown, where: string): string {
  if (typeof value !== "string") throw invalid(where, `${shown(value)} stands where a text is`);
  return value;
}

/** No whole number of PyTorch has more bits. */
const MOST = 0x10000000000000000;

/** Numbers past 2^53 (PyTorch's "to the end") come rounded, and are whole all the same. */
export function wholeOf(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isInteger(value) || Math.abs(value) > MOST)
    throw invalid(where, `${shown(value)} stands where a whole number is`);
  return value;
}

/** A field that is the object's own; `undefined` where it is absent or null. */
export function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined;
}

/** Name and value of a union: an object with one field. PyTorch before 2.4 wrote the others as null. */
export function unionOf(value: unknown, where: string): readonly [string, unknown] {
  const set = Object.entries(fieldsOf(value, where)).filter(([, each]) => each !== null);
  const [only, more] = set;
  if (only === undefined || more !== undefined) throw invalid(where, `${set.length} choices of a union are set`);
  return only;
}

/** Texts outside of which numbers that JSON has not are replaced. */
const BARE_NUMBERS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/g;

/** Source: Python's json module writes Infinity and NaN as they are; PyTorch quotes them since 2.7. */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    try {
      return JSON.parse(text);
    } catch (cause) {
      if (!/Infinity|NaN/.test(text)) throw cause;
      return JSON.parse(text.replace(BARE_NUMBERS, (found) => (found.startsWith('"') ? found : `"${found}"`)));
    }
  } catch (cause) {
    throw invalid(where, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  return typeof value === "object" ? (value === null ? "null" : Array.isArray(value) ? "a list" : "an object") : String(value).slice(0, 60);
}
