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

/** The same for the dataflow engine, whose tests plant these. */
export const DATAFLOW_FAULTS = {
  "drop-leased": "what is in use is evicted like anything else",
  "buffer-leak": "the executor is not told that a buffer is free",
  "early-free": "a value is freed when its handle is overwritten, whoever still reads it",
  "lineage-leak": "lineage records are never dropped",
  "stale-read": "an older version in a memory is taken for the newest",
  "unleased-source": "the source of a transfer is not leased",
  "residency-overcommit": "a device loads more executables than its class holds",
  "overcommit-memory": "a task is granted memory that is not there",
  "evict-only-copy": "the only instance of a value is evicted without being written home",
  "gang-half-held": "a gang takes a device from the task that is next there",
  "double-start": "a task starts on a device that is busy",
  "start-unloaded": "a task starts before its stage is loaded",
  "wrong-member-part": "a gang starts where another member's part of its stage is loaded",
  "wrong-size": "the length of what was made is forgotten",
  "double-end": "the client is told twice of the end of a task",
  "lost-end": "the client is not told of the end of a task",
  "forgotten-dependants": "what depends on a failed task waits for ever",
  "lost-lineage": "what is lost is not made again",
  "gang-survives-loss": "a gang that lost a member goes on",
  "loss-unnoticed": "values lost with a memory count as there",
  "wrong-order": "a write is forgotten: readers after it see the value before",
  "hidden-choice": "a placement depends on something that is not in the log",
} as const satisfies Record<string, string>;

/** Of the comparison of ways that work which comes again can go. */
export const WAY_FAULTS = {
  "way-mislaid": "what a way took counts for the one over all devices",
  "way-ignored": "tasks go over all devices whatever way was chosen",
} as const satisfies Record<string, string>;

export type PlantedFault = keyof typeof PLANTED_FAULTS | keyof typeof DATAFLOW_FAULTS | keyof typeof WAY_FAULTS;

let active: PlantedFault | undefined;
let calls = 0;

/** Switches one fault on (test only), or all off with `undefined`. */
export function plantFault(fault: PlantedFault | undefined): void {
  active = fault;
}

export function planted(fault: PlantedFault): boolean {
  return active === fault;
}

/** For the faults `clock-in-decision` and `hidden-choice`: a number that is in no log, 0 to 4; always 0 when the fault is off. */
export function hiddenNumber(): number {
  return planted("clock-in-decision") || planted("hidden-choice") ? calls++ % 5 : 0;
}
