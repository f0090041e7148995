/** A broken promise of our own code. Never caught to continue: the process that hosts it ends and its work is redone. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
  readonly detail: unknown;
  constructor(message: string, detail?: unknown) {
    super(detail === undefined ? message : `${message}: ${describe(detail)}`);
    this.detail = detail;
  }
}

/** States what must hold whatever the input; on in production. */
export function assert(condition: boolean, message: string, detail?: unknown): asserts condition {
  if (!condition) throw new AssertionError(message, detail);
}

/** Closes a switch over a union: compiles only while every case is handled. */
export function unreachable(value: never): never {
  throw new AssertionError("unreachable case", value);
}

/** Narrows away `undefined` where our own code guarantees a value. */
export function must<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new AssertionError(message);
  return value;
}

function describe(detail: unknown): string {
  try {
    return JSON.stringify(detail, (_key, value) => (typeof value === "bigint" ? value.toString() : value));
  } catch {
    return String(detail);
  }
}
