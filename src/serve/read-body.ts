import type { z } from "zod";
import { HeddleError } from "../base/heddle-error.ts";
import { fieldPath, firstIssue } from "../rack/schema-parts.ts";
import { refuseUnsupported } from "./unsupported-fields.ts";

/** Reads a JSON object of at most `bytesMax` bytes. Errors: `request-too-large`, `request-invalid`. */
export async function readJsonObject(request: Request, bytesMax: number): Promise<Record<string, unknown>> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > bytesMax) throw tooLarge(bytesMax);
  const text = await readText(request, bytesMax);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HeddleError("request-invalid", {
      where: "the body",
      detail: cause instanceof Error ? cause.message : "it is not JSON",
      cause,
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new HeddleError("request-invalid", { where: "the body", detail: "it is not a JSON object" });
}

/** Checks a body: fields that are null count as absent. Errors: `request-unsupported`, `request-invalid`, both naming the field. */
export function checkBody<T>(schema: z.ZodType<T>, body: Readonly<Record<string, unknown>>): T {
  const present = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
  refuseUnsupported(present);
  const checked = schema.safeParse(present);
  if (checked.success) return checked.data;
  const { path, message } = firstIssue(checked.error);
  throw new HeddleError("request-invalid", { where: fieldPath(path), detail: message });
}

async function readText(request: Request, bytesMax: number): Promise<string> {
  if (request.body === null) return "";
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new HeddleError("request-invalid", { where: "the body", detail: "it is not UTF-8", cause });
  }
}

function tooLarge(bytesMax: number): HeddleError {
  return new HeddleError("request-too-large", { detail: `at most ${bytesMax} bytes` });
}
