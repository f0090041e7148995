/**
 * Bugs that tests plant to show that the invariant checks find them. All are off; nothing but a test switches one on.
 * Each stands at one place of the code, marked by a call of `planted`.
 */
export const PLANTED_FAULTS = {
  "skipped-lease": "a gathered block is not leased while the task reads it",
  "early-slot-reuse": "an evicted slot keeps its generation",
  "lease-leak": "a lease is kept when its task fails",
  "evict-leased": "a block that is being read is evicted when no other can be",
  "stale-part": "the parts of an evicted block stay in the index",
  "part-too-long": "a partial hit takes a part more than the block was found to have",
  "seal-early": "a block is sealed before its last token is computed",
  "lane-leak": "the lane of a cancelled sequence stays open",
  "overcommit-pages": "lanes grow without looking at the capacity",
  "lost-cancel": "a cancel of a running sequence is forgotten",
  "never-admit": "the policy admits nothing and the engine does not step in",
  "forgotten-completion": "a sequence that reached its length is not reported",
  "stop-token-delivered": "the stop token is delivered as text",
  "redeliver-after-preempt": "a preempted sequence counts its tokens from where it was admitted",
  "double-emit": "every token of a full block is sent twice",
  "old-attempt-accepted": "answers of an older life of a host, or of an older attempt, are taken for current ones",
  "wrong-resume-index": "a resubmission forgets one delivered token",
  "lost-resubmission": "a request of a lost host is not submitted again",
  "no-dedupe": "a session hands on frames it has handed on already",
  "no-retransmit": "a session never sends an unacknowledged frame again",
  "clock-in-decision": "a decision depends on something that is not in the log",
} as const satisfies Record<string, string>;

export type PlantedFault = keyof typeof PLANTED_FAULTS;

let active: PlantedFault | undefined;
let calls = 0;

/** Switches one fault on (test only), or all off with `undefined`. */
export function plantFault(fault: PlantedFault | undefined): void {
  active = fault;
}

export function planted(fault: PlantedFault): boolean {
  return active === fault;
}

/** For the fault `clock-in-decision`: a number that is in no log, 0 to 4; always 0 when the fault is off. */
export function hiddenNumber(): number {
  return planted("clock-in-decision") ? calls++ % 5 : 0;
}
