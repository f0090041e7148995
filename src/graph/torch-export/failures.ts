import { HeddleError } from "../../base/heddle-error.ts";

/** What is damaged or contradicts itself. */
export function invalid(where: string, detail: string, cause?: unknown): HeddleError {
  return new HeddleError("torch-export-invalid", { where, detail, ...(cause === undefined ? {} : { cause }) });
}

/** What is past the limits of the reader. */
export function unsupported(where: string, detail: string): HeddleError {
  return new HeddleError("torch-export-unsupported", { where, detail });
}
