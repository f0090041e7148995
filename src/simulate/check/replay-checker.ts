import { assert } from "../../base/assert.ts";
import type { Nanoseconds } from "../../base/units.ts";
import { createFleetEngine } from "../../engine/fleet-engine.ts";
import type { FleetEvent } from "../../engine/fleet-engine-types.ts";
import type { LedgerHeader, LedgerNode, RecordedEvent } from "../../engine/ledger.ts";
import { readLedger } from "../../engine/ledger-reader.ts";
import { createLedgerWriter } from "../../engine/ledger-writer.ts";
import { type ReplayEngine, replayLedger } from "../../engine/replay.ts";
import { createReplicaEngine } from "../../engine/replica-engine.ts";
import type { ReplicaEvent } from "../../engine/replica-engine-types.ts";
import type { RunInput } from "../run/run-input.ts";
import type { RunWatcher } from "../run/watcher.ts";
import { nodeName } from "./node-name.ts";
import type { Report } from "./violation.ts";

/** What one engine of a run did, kept in memory. */
export interface RunRecord {
  readonly name: string;
  readonly node: LedgerNode;
  readonly steps: { readonly event: RecordedEvent; readonly now: Nanoseconds; readonly commands: readonly object[] }[];
}

/** Version written into ledgers of simulated runs. */
const SIMULATED = "simulated";

/** Keeps what every engine of a run did. */
export function createRunRecorder(input: Omit<RunInput, "watchers">): {
  readonly watcher: RunWatcher;
  readonly records: ReadonlyMap<string, RunRecord>;
} {
  const records = new Map<string, RunRecord>();
  const open = (name: string, node: LedgerNode): void => {
    records.set(name, { name, node, steps: [] });
  };
  const watcher: RunWatcher = {
    fleetStarted: () => open("fleet", { type: "fleet", config: input.fleet, policy: input.routing.name }),
    fleetStepped: (event, now, commands) => records.get("fleet")?.steps.push({ event, now, commands }),
    hostStarted: ({ replica, incarnation }) => {
      const { config } = input.replicas[replica]!;
      open(nodeName({ replica, incarnation }), { type: "replica", replica, incarnation, config, policy: input.batching.name });
    },
    replicaStepped: (life, { event, commands }, now) => records.get(nodeName(life))?.steps.push({ event, now, commands }),
  };
  return { watcher, records };
}

/** The bytes of the ledger a record makes, without token ids. */
export function ledgerOf({ node, steps }: RunRecord): Uint8Array {
  const frames: Uint8Array[] = [];
  const writer = createLedgerWriter({ write: (frame) => frames.push(frame) }, { heddle: SIMULATED, node, costs: [], tokens: "dropped" });
  for (const { event, now, commands } of steps) writer.record(event, now, commands);
  return joined(frames);
}

/** Makes the engines of a run again, for a replay of its ledgers. */
export function engineOfRun(input: Omit<RunInput, "watchers">): (header: LedgerHeader) => ReplayEngine {
  return ({ node }) => {
    if (node.type === "fleet") {
      const engine = createFleetEngine(node.config, { routing: input.routing, costs: input.replicas.map((replica) => replica.cost) });
      return { step: (event, now) => engine.step(event as FleetEvent, now) };
    }
    assert(node.type === "replica", "a simulated run has no other engines");
    const engine = createReplicaEngine(node.config, { batching: input.batching, cost: input.replicas[node.replica]!.cost });
    return { step: (event, now) => engine.step(event as ReplicaEvent, now) };
  };
}

/** Invariant 5: at the end of a run without other faults every engine's ledger is written, read back and replayed. */
export function createReplayChecker(
  input: Omit<RunInput, "watchers">,
  given: { readonly report: Report; readonly needed: () => boolean },
): RunWatcher {
  const { watcher, records } = createRunRecorder(input);
  return {
    ...watcher,
    runEnded: () => {
      if (!given.needed()) return;
      for (const record of records.values()) {
        const { firstDivergence } = replayLedger(readLedger(ledgerOf(record)), engineOfRun(input));
        if (firstDivergence === undefined) continue;
        const { index, at, event, refusal } = firstDivergence;
        const message = `a replay differs at event ${index} (${event.type})${refusal === undefined ? "" : `: ${refusal}`}`;
        given.report({ invariant: 5, at, node: record.name, message });
      }
    },
  };
}

/** Frames one after another, as a file holds them. */
function joined(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}
