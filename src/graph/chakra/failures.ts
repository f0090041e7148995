import { HeddleError } from "../../base/heddle-error.ts";

/** What is damaged or contradicts itself. */
export function invalid(where: string, detail: string, cause?: unknown): HeddleError {
  return new HeddleError("chakra-invalid", { where, detail, ...(cause === undefined ? {} : { cause }) });
}

/** What is past the limits of the reader, or of a form it does not know. */
export function unsupported(where: string, detail: string): HeddleError {
  return new HeddleError("chakra-unsupported", { where, detail });
}
