import { ERROR_CODES, type ErrorCode } from "./error-codes.ts";

/**
 * A failure at the edge: a bad file, a missing driver, a lost host. `where` names the file, line, field or device;
 * `detail` the particular facts. The table gives message, exit status and what to do.
 */
export class HeddleError extends Error {
  override readonly name = "HeddleError";
  readonly code: ErrorCode;
  readonly where: string | undefined;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, facts: HeddleErrorFacts = {}) {
    const row = ERROR_CODES[code];
    const place = facts.where === undefined ? "" : ` (${facts.where})`;
    const detail = facts.detail === undefined ? "" : `: ${facts.detail}`;
    super(`${row.message}${place}${detail}`, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.where = facts.where;
    this.detail = facts.detail;
  }
}

export interface HeddleErrorFacts {
  readonly where?: string;
  readonly detail?: string;
  readonly cause?: unknown;
}

/** Anything thrown, as an error of the table; what we do not know becomes `internal` with its cause kept. */
export function toHeddleError(thrown: unknown): HeddleError {
  if (thrown instanceof HeddleError) return thrown;
  return new HeddleError("internal", { detail: thrown instanceof Error ? thrown.message : String(thrown), cause: thrown });
}
