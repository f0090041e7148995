import type { Nanoseconds, Tokens } from "../../base/units.ts";

/** A list of requests with their arrival times; what a simulation or a verification is fed. */
export interface Workload {
  /** Format and origin in one short phrase, for reports. */
  readonly source: string;
  /** Rows that were left out, with the reason, where there are any. */
  readonly leftOut?: readonly { readonly reason: string; readonly rows: number }[];
  /** Whose clock measured the requests, where they were: a client's times hold network and tokenisation too. */
  readonly clock?: "client" | "engine";
  /** Name of the model that answered, where the file has it. */
  readonly model?: string;
  /** In order of arrival; the first arrives at 0 or later. */
  readonly requests: readonly WorkloadRequest[];
}

export interface WorkloadRequest {
  readonly atNs: Nanoseconds;
  /** At least 1. */
  readonly promptTokens: Tokens;
  /** Tokens it generates, at least 1. */
  readonly outputTokens: Tokens;
  readonly shared?: SharedPrefix;
  /** Adapter (LoRA) it is served with. */
  readonly adapter?: NamedAdapter;
  /** Images behind the text of its prompt, whose tokens are not among `promptTokens`: a model's own. */
  readonly images?: readonly RequestImage[];
  /** Closed loop: it arrives `thinkNs` after the end of an earlier request; `atNs` is then the earliest it may stand in the order. */
  readonly after?: { readonly request: WorkloadRequest; readonly thinkNs: Nanoseconds };
  /** In a log of a run. */
  readonly measured?: MeasuredRequest;
}

/** An image by its size; equal names stand for equal images, and one without a name is like no other. Units: pixels. */
export interface RequestImage {
  readonly width: number;
  readonly height: number;
  readonly name?: string;
}

/** An adapter by its name; its rank where it is known. */
export interface NamedAdapter {
  readonly name: string;
  readonly rank?: number;
}

/** What a load generator or an engine measured of one request. Units: ns from its arrival. */
export interface MeasuredRequest {
  readonly firstTokenNs: Nanoseconds;
  /** To the last token. */
  readonly endNs: Nanoseconds;
}

/**
 * What the start of a prompt has in common with others. `blocks`: ids of consecutive pieces of `blockTokens` tokens (the last may be cut short by the
 * end of the prompt); prompts agree as far as their ids do. `group`: the first `tokens` tokens are those of its group.
 */
export type SharedPrefix =
  | { readonly type: "blocks"; readonly ids: readonly number[]; readonly blockTokens: Tokens }
  | { readonly type: "group"; readonly group: string; readonly tokens: Tokens };

/** Most requests a workload may hold, longest prompt or output, and last arrival (100 days): beyond them a file is refused. */
export const WORKLOAD_ROWS_MAX = 6_000_000;
export const WORKLOAD_TOKENS_MAX = 10_000_000;
export const WORKLOAD_NS_MAX = 8.64e15;
/** Most images of a request. */
export const REQUEST_IMAGES_MAX = 1000;
