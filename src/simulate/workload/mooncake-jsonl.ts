import { NS_PER_MS } from "../../base/units.ts";
import { shown, timeField, tokensField } from "./number-field.ts";
import { HASH_BLOCK_TOKENS, hashIdsField } from "./shared-field.ts";
import { jsonObject, type TextLine } from "./text-lines.ts";
import type { WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

const NAME_MAX = 200;

/** Reads rows of one Mooncake trace in the order of the file. */
export interface MooncakeReader {
  request(row: TextLine): WorkloadRequest;
}

/**
 * Requests of a Mooncake trace: `timestamp` (ms), `input_length`, `output_length`, `hash_ids` of 512-token blocks.
 *
 * Closed loops, as Dynamo writes them: a row with `wait_for` (the `request_id` of one earlier row) arrives `delay` + `tool_wait_ms` (ms) after that one
 * has ended; a later row of a `session_id` arrives `delay` after the one before it, or after the time between their timestamps where it has none.
 * Errors: `workload-invalid` with line and field. Fields beyond these carry nothing we use.
 * Source: kvcache-ai/Mooncake, FAST25-release, README of the traces; ai-dynamo/dynamo, trace formats of its replay.
 */
export function createMooncakeReader(): MooncakeReader {
  const byId = new Map<string, WorkloadRequest>();
  const bySession = new Map<string, WorkloadRequest>();
  let latest = 0;
  return {
    request: (row) => {
      const { line } = row;
      const fields = jsonObject(row);
      const promptTokens = tokensField(fields["input_length"], { line, field: "input_length" });
      const outputTokens = tokensField(fields["output_length"], { line, field: "output_length" });
      const id = name(fields, "request_id", line);
      const session = name(fields, "session_id", line);
      const before = waitedFor(fields, line, byId) ?? (session === undefined ? undefined : bySession.get(session));
      const stamp = fields["timestamp"];
      const stampNs = before !== undefined && stamp === undefined ? undefined : timeField(stamp, { line, field: "timestamp" }, NS_PER_MS);
      // Rows that wait stand behind those they wait for, wherever they would have arrived.
      const atNs = before === undefined ? stampNs! : Math.max(before.atNs, stampNs ?? latest);
      latest = Math.max(latest, atNs);
      const request: WorkloadRequest = {
        atNs,
        promptTokens,
        outputTokens,
        ...(fields["hash_ids"] === undefined
          ? {}
          : { shared: hashIdsField(fields["hash_ids"], { promptTokens, blockTokens: HASH_BLOCK_TOKENS, line }) }),
        ...(before === undefined ? {} : { after: { request: before, thinkNs: pauseNs(fields, line) ?? Math.max(0, atNs - before.atNs) } }),
      };
      if (id !== undefined) byId.set(id, request);
      if (session !== undefined) bySession.set(session, request);
      return request;
    },
  };
}

function waitedFor(
  fields: Readonly<Record<string, unknown>>,
  line: number,
  byId: ReadonlyMap<string, WorkloadRequest>,
): WorkloadRequest | undefined {
  const ids = fields["wait_for"];
  if (ids === undefined || (Array.isArray(ids) && ids.length === 0)) return undefined;
  const place = { line, field: "wait_for" };
  if (!Array.isArray(ids) || typeof ids[0] !== "string") throw workloadInvalid(place, "a list of request ids is meant");
  if (ids.length > 1) throw workloadInvalid(place, `names ${ids.length} requests; a request here waits for one`);
  const request = byId.get(ids[0]);
  if (request === undefined) throw workloadInvalid(place, `${shown(ids[0])} is the id of no row above`);
  return request;
}

function pauseNs(fields: Readonly<Record<string, unknown>>, line: number): number | undefined {
  const parts = ["delay", "tool_wait_ms"].filter((field) => fields[field] !== undefined && fields[field] !== null);
  if (parts.length === 0) return undefined;
  return parts.reduce((sum, field) => sum + timeField(fields[field], { line, field }, NS_PER_MS), 0);
}

function name(fields: Readonly<Record<string, unknown>>, field: string, line: number): string | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  if ((typeof value === "string" && value.length <= NAME_MAX) || typeof value === "number") return String(value);
  throw workloadInvalid({ line, field }, `a name of at most ${NAME_MAX} characters is meant`);
}
