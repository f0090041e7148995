import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import type { Nanoseconds } from "../base/units.ts";
import { type CommandHash, hashCommand, hashText } from "./command-hash.ts";
import type { Ledger, LedgerHeader, RecordedEvent } from "./ledger.ts";

/** An engine of either kind, as a replay drives it. */
export interface ReplayEngine {
  step(event: RecordedEvent, now: Nanoseconds): readonly object[];
}

/** Makes the engine a header describes, from the state of a snapshot where the ledger does not begin at the start of the run. */
export type MakeReplayEngine = (header: LedgerHeader, state?: unknown) => ReplayEngine;

/** The first event after which the engine did not do what the ledger says. */
export interface Divergence {
  readonly index: number;
  readonly at: Nanoseconds;
  readonly event: RecordedEvent;
  readonly expectedHash: string;
  readonly gotHash: string;
  /** What the engine did now; the ledger keeps only the hash of what it did then. */
  readonly commands: readonly object[];
  /** Why the engine refused the event, where it did. */
  readonly refusal?: string;
}

export interface ReplayResult {
  readonly events: number;
  /** Hash of all commands up to the end or the divergence. */
  readonly hash: string;
  readonly firstDivergence?: Divergence;
}

/**
 * Feeds the events of a ledger back to a new engine and compares the rolling hash of its commands after each. A ledger whose first segments are
 * gone starts from its first snapshot.
 *
 * Complexity: one engine step an event.
 */
export function replayLedger(ledger: Ledger, makeEngine: MakeReplayEngine): ReplayResult {
  const { header } = ledger;
  const engine = header.firstIndex === 0 ? makeEngine(header) : makeEngine(header, firstSnapshot(ledger));
  const hash = hashOf(header.startHash);
  for (const { index, at, event, hash: expected } of ledger.events) {
    const { commands, refusal } = stepOrRefusal(engine, event, at);
    for (const command of commands) hashCommand(hash, command);
    if (hash.high === expected.high && hash.low === expected.low && refusal === undefined) continue;
    const gotHash = hashText(hash);
    const divergence = { index, at, event, expectedHash: hashText(expected), gotHash, commands };
    return {
      events: index - header.firstIndex,
      hash: gotHash,
      firstDivergence: refusal === undefined ? divergence : { ...divergence, refusal },
    };
  }
  return { events: ledger.events.length, hash: hashText(hash) };
}

/** An altered event may break a promise the engine relies on; then its assertion is the answer. */
function stepOrRefusal(engine: ReplayEngine, event: RecordedEvent, at: Nanoseconds): { commands: readonly object[]; refusal?: string } {
  try {
    return { commands: engine.step(event, at) };
  } catch (thrown) {
    return { commands: [], refusal: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

function firstSnapshot({ header, snapshots }: Ledger): unknown {
  const [first] = snapshots;
  if (first?.index === header.firstIndex) return first.state;
  throw new HeddleError("ledger-invalid", { where: `segment ${header.segment}`, detail: "it lacks the snapshot it should begin with" });
}

function hashOf(text: string): CommandHash {
  const [high, low] = [text.slice(0, 8), text.slice(8)].map((digits) => Number.parseInt(digits, 16));
  return { high: must(high, "a hash has two words"), low: must(low, "a hash has two words") };
}
