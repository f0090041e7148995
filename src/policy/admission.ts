import type { Tokens } from "../base/units.ts";

/** What admission knows when a request arrives. */
export interface AdmissionView {
  readonly draining: boolean;
  /** Prompt and output of the request. */
  readonly totalTokens: Tokens;
  /** Longest request of any replica that runs or may come up again; absent where there is no such replica. */
  readonly longestTokens: Tokens | undefined;
  /** Requests not sent to any replica yet, and how many may wait. */
  readonly queued: number;
  readonly queueLimit: number;
  /** A replica would take the request at once. */
  readonly room: boolean;
}

export type AdmissionRefusal = "draining" | "host-lost" | "prompt-too-long" | "queue-full";

/** A bounded queue: why a request is turned away, or `undefined` where it is taken. With room at a replica the length of the queue does not count. */
export function admissionRefusal(view: AdmissionView): AdmissionRefusal | undefined {
  if (view.draining) return "draining";
  if (view.longestTokens === undefined) return "host-lost";
  if (view.totalTokens > view.longestTokens) return "prompt-too-long";
  const straightThrough = view.room && view.queued === 0;
  return view.queued >= view.queueLimit && !straightThrough ? "queue-full" : undefined;
}
