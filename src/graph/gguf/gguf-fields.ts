import { HeddleError } from "../../base/heddle-error.ts";
import type { GgufValue } from "./gguf-file.ts";

/** Typed access to metadata; a wrong type or value is `gguf-invalid` naming the key. */
export class GgufFields {
  readonly #metadata: ReadonlyMap<string, GgufValue>;

  constructor(metadata: ReadonlyMap<string, GgufValue>) {
    this.#metadata = metadata;
  }

  has(key: string): boolean {
    return this.#metadata.has(key);
  }

  keys(): Iterable<string> {
    return this.#metadata.keys();
  }

  string(key: string): string | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined || typeof value === "string") return value;
    throw invalid(key, "it is not a string");
  }

  boolean(key: string): boolean | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw invalid(key, "it is not a boolean");
  }

  strings(key: string): readonly string[] | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) return value as readonly string[];
    throw invalid(key, "it is not a list of strings");
  }

  numbers(key: string): ArrayLike<number> | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined) return undefined;
    if (ArrayBuffer.isView(value)) return value;
    throw invalid(key, "it is not a list of numbers");
  }

  /** A finite number above 0. */
  positive(key: string): number | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && value > 0 && value < Infinity) return value;
    throw invalid(key, "it is not a positive number");
  }

  /** An integer of at least 0. */
  integer(key: string): number | undefined {
    const value = this.#metadata.get(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw invalid(key, "it is not a non-negative integer");
  }

  /** An integer of at least 1 that must be there; a list whose entries agree counts as one number. */
  size(key: string): number {
    const raw = this.#metadata.get(key);
    if (raw === undefined) throw invalid(key, "it is missing");
    const value = ArrayBuffer.isView(raw) ? uniform(key, raw) : raw;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
    throw invalid(key, "it is not a positive integer");
  }

  sizeOr(key: string, otherwise: number): number {
    return this.has(key) ? this.size(key) : otherwise;
  }
}

function uniform(key: string, list: ArrayLike<number>): number {
  const first = list[0];
  if (first === undefined) throw invalid(key, "it is an empty list");
  for (let i = 1; i < list.length; i++) {
    if (list[i] !== first) throw new HeddleError("gguf-unsupported", { where: key, detail: "values that differ between layers" });
  }
  return first;
}

function invalid(key: string, detail: string): HeddleError {
  return new HeddleError("gguf-invalid", { where: key, detail });
}
