import { ERROR_CODES } from "../base/error-codes.ts";
import type { HeddleError } from "../base/heddle-error.ts";

/** The body OpenAI clients expect of an error. */
export interface ErrorBody {
  readonly error: { readonly message: string; readonly type: string; readonly param: string | null; readonly code: string };
}

const SERVER_ERROR = 500;
const TYPES: Readonly<Record<number, string>> = { 401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error" };
/** When a full queue is worth another try. Units: s. */
const RETRY_AFTER_S = 1;

/** An error as OpenAI's API has it, with what to do in the message. */
export function errorBody(error: HeddleError): ErrorBody {
  const { http, todo } = ERROR_CODES[error.code];
  const type = TYPES[http] ?? (http >= SERVER_ERROR ? "server_error" : "invalid_request_error");
  return { error: { message: `${error.message} (${todo})`, type, param: error.where ?? null, code: error.code } };
}

/** An error as HTTP: the table's status, when to try again (429, 503), and the end of the connection where a body was too long (413). */
export function errorAnswer(error: HeddleError): Response {
  const { http } = ERROR_CODES[error.code];
  const headers: Record<string, string> = {};
  if (http === 429 || http === 503) headers["retry-after"] = String(RETRY_AFTER_S);
  if (http === 413) headers["connection"] = "close";
  return Response.json(errorBody(error), { status: http, headers });
}
