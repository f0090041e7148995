import { CLAIM_WORD, FAILED, FINISHED_CHUNKS, PHASE_COUNT, PHASE_SLEEPERS, PHASE_STRIDE, PHASE_TABLE } from "../kernel-control";

/**
 * Who does what in a step: threads claim chunks of the open phase one at a time by compare-and-swap of one word that names step, phase and chunk. What
 * a thread knows of a phase it read after the word and uses only if the word is still the same when it claims, so a thread that was away for a phase,
 * or for many steps, claims nothing in a phase it misjudged. The thread that finishes a phase's last chunk opens the next one.
 */

/** Answer of `claim` when the step is done. */
export const STEP_DONE: u64 = u64.MAX_VALUE;

const PHASE_SHIFT: u64 = 24;
const STEP_SHIFT: u64 = 40;
const CHUNK_MASK: u64 = 0xffffff;
const PHASE_MASK: u64 = 0xffff;

/**
 * Looks at the word before a thread that found no chunk goes to sleep: some 100 µs, since a wake may take as long. With a tenth of them a step of 8
 * sequences took 27 ms on two cores in place of 23, one of a sequence 10.3 in place of 9.2.
 */
const LOOKS_BEFORE_SLEEP: i32 = 40_000;
/** Longest sleep, should a wake be lost. Units: ns. */
const SLEEP_NS: i64 = 1_000_000;

// @ts-ignore: decorator
@inline
export function phaseOf(claimed: u64): i32 {
  return <i32>((claimed >> PHASE_SHIFT) & PHASE_MASK) - 1;
}

// @ts-ignore: decorator
@inline
export function chunkOf(claimed: u64): i32 {
  return <i32>(claimed & CHUNK_MASK);
}

/** Address of a phase's descriptor. */
// @ts-ignore: decorator
@inline
export function phaseAt(phase: i32): usize {
  return <usize>load<u32>(PHASE_TABLE) + <usize>phase * <usize>load<u32>(PHASE_STRIDE);
}

/**
 * Opens the first phase of the next step. Only the owner calls it, when the step before is done and the phases of this one are written. Steps are
 * counted modulo 2^24, which would mislead only a thread that was away for as many.
 */
export function begin(): void {
  const step = (atomic.load<u64>(CLAIM_WORD) >> STEP_SHIFT) + 1;
  openFrom(step << STEP_SHIFT, 0);
}

/** A chunk of the open phase for the caller alone, or `STEP_DONE`. Waits while the chunks that are left are with others. */
export function claim(): u64 {
  let looks = 0;
  while (true) {
    const word = atomic.load<u64>(CLAIM_WORD);
    const phase = phaseOf(word);
    if (phase < 0) return STEP_DONE;
    if (chunkOf(word) < load<i32>(phaseAt(phase))) {
      if (atomic.cmpxchg<u64>(CLAIM_WORD, word, word + 1) == word) return word;
    } else if (atomic.load<i32>(FAILED) != 0) {
      return STEP_DONE;
    } else if (++looks >= LOOKS_BEFORE_SLEEP) {
      atomic.add<i32>(PHASE_SLEEPERS, 1);
      atomic.wait<i64>(CLAIM_WORD, <i64>word, SLEEP_NS);
      atomic.sub<i32>(PHASE_SLEEPERS, 1);
      looks = 0;
    }
  }
}

/** Says that a claimed chunk is finished: what it wrote is seen by all who claim in a later phase. */
export function finish(claimed: u64): void {
  const phase = phaseOf(claimed);
  // Read first: once this chunk counts as finished, the step may end and its owner write another phase here.
  const chunks = load<i32>(phaseAt(phase));
  if (atomic.add<i32>(FINISHED_CHUNKS, 1) + 1 < chunks) return;
  openFrom((claimed >> STEP_SHIFT) << STEP_SHIFT, phase + 1);
}

/** Opens the first phase from `phase` on that has chunks; where there is none, the step is done. */
function openFrom(step: u64, phase: i32): void {
  const phases = load<i32>(PHASE_COUNT);
  while (phase < phases && load<i32>(phaseAt(phase)) <= 0) phase++;
  const open: u64 = phase < phases ? <u64>(phase + 1) : 0;
  atomic.store<i32>(FINISHED_CHUNKS, 0);
  atomic.store<u64>(CLAIM_WORD, step | (open << PHASE_SHIFT));
  if (atomic.load<i32>(PHASE_SLEEPERS) > 0) atomic.notify(CLAIM_WORD, i32.MAX_VALUE);
}
