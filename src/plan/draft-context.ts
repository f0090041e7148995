import { kvBytesPerToken } from "../graph/decoder/spec.ts";
import type { ComputeFormat } from "../rack/rack.ts";
import { BLOCK_TOKENS } from "../state/block.ts";
import { allowedFormats } from "./allowed-formats.ts";
import { DEFAULT_CONTEXT_LIMIT } from "./default-policy.ts";
import type { PlanRequest } from "./plan-request.ts";
import { judgedStreams } from "./predict.ts";

/** Part of a memory that weights and KV may take; the rest is the process, its buffers and everybody else. */
const USABLE_SHARE = 0.85;

/** What drafts of plans are made from, beside the devices. */
export interface DraftContext {
  readonly request: PlanRequest;
  readonly allowed: readonly ComputeFormat[];
  readonly contextLimit: number;
  /** Streams plans are judged at together. */
  readonly streams: number;
}

/** What all drafts of a request share: allowed formats, the longest context and the streams they are judged by. */
export function draftContext(request: PlanRequest): DraftContext {
  const contextLimit = request.options?.contextLimit ?? Math.min(DEFAULT_CONTEXT_LIMIT, request.model.spec.contextLength);
  return {
    request,
    allowed: allowedFormats(request.model.weightFormats),
    contextLimit,
    streams: judgedStreams(request.options?.maxSequences),
  };
}

/** Bytes plans may use of each memory. */
export function usableMemory({ rack }: PlanRequest): ReadonlyMap<string, number> {
  return new Map(rack.memories.map((memory) => [memory.id, Math.floor(memory.capacityBytes * USABLE_SHARE)]));
}

/** Bytes of one KV page over all layers. */
export function pageBytes({ request }: DraftContext): number {
  return kvBytesPerToken(request.model.spec) * BLOCK_TOKENS;
}
