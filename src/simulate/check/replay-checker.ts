import { createFleetEngine } from "../../engine/fleet-engine.ts";
import type { FleetEvent } from "../../engine/fleet-engine-types.ts";
import type { LedgerHeader, LedgerNode } from "../../engine/ledger.ts";
import { readLedger } from "../../engine/ledger-reader.ts";
import { createLedgerWriter, type LedgerSink, type LedgerWriter } from "../../engine/ledger-writer.ts";
import { type ReplayEngine, replayLedger } from "../../engine/replay.ts";
import { createReplicaEngine } from "../../engine/replica-engine.ts";
import type { ReplicaEvent } from "../../engine/replica-engine-types.ts";
import type { RunInput } from "../run/run-input.ts";
import type { RunWatcher } from "../run/watcher.ts";
import { nodeName } from "./node-name.ts";
import type { Report } from "./violation.ts";

/** A ledger kept in memory. */
export interface MemoryLedger {
  readonly node: string;
  readonly frames: Uint8Array[];
  readonly writer: LedgerWriter;
}

/** Version written into ledgers of simulated runs. */
const SIMULATED = "simulated";

/** Writes a ledger of every engine of a run into memory. */
export function createLedgerRecorder(input: Omit<RunInput, "watchers">): {
  readonly watcher: RunWatcher;
  readonly ledgers: ReadonlyMap<string, MemoryLedger>;
} {
  const ledgers = new Map<string, MemoryLedger>();
  const open = (name: string, node: LedgerNode): void => {
    const frames: Uint8Array[] = [];
    const sink: LedgerSink = { write: (frame) => frames.push(frame) };
    ledgers.set(name, { node: name, frames, writer: createLedgerWriter(sink, { heddle: SIMULATED, node, costs: [], tokens: "dropped" }) });
  };
  const watcher: RunWatcher = {
    fleetStarted: () => open("fleet", { type: "fleet", config: input.fleet, policy: input.routing.name }),
    fleetStepped: (event, now, commands) => ledgers.get("fleet")?.writer.record(event, now, commands),
    hostStarted: ({ replica, incarnation }) => {
      const { config } = input.replicas[replica]!;
      open(nodeName({ replica, incarnation }), { type: "replica", replica, incarnation, config, policy: input.batching.name });
    },
    replicaStepped: (life, { event, commands }, now) => ledgers.get(nodeName(life))?.writer.record(event, now, commands),
  };
  return { watcher, ledgers };
}

/** Makes the engines of a run again, for a replay of its ledgers. */
export function engineOfRun(input: Omit<RunInput, "watchers">): (header: LedgerHeader) => ReplayEngine {
  return ({ node }) => {
    if (node.type === "fleet") {
      const engine = createFleetEngine(node.config, { routing: input.routing, costs: input.replicas.map((replica) => replica.cost) });
      return { step: (event, now) => engine.step(event as FleetEvent, now) };
    }
    const engine = createReplicaEngine(node.config, { batching: input.batching, cost: input.replicas[node.replica]!.cost });
    return { step: (event, now) => engine.step(event as ReplicaEvent, now) };
  };
}

/** Invariant 5: at the end every engine's ledger, written without token ids and read back, is replayed. */
export function createReplayChecker(input: Omit<RunInput, "watchers">, report: Report): RunWatcher {
  const { watcher, ledgers } = createLedgerRecorder(input);
  let failed = false;
  return {
    ...watcher,
    nodeFailed: () => {
      failed = true;
    },
    runEnded: () => {
      if (failed) return;
      for (const { node, frames } of ledgers.values()) {
        const { firstDivergence } = replayLedger(readLedger(joined(frames)), engineOfRun(input));
        if (firstDivergence === undefined) continue;
        const { index, at, event, refusal } = firstDivergence;
        report({
          invariant: 5,
          at,
          node,
          message: `a replay differs at event ${index} (${event.type})${refusal === undefined ? "" : `: ${refusal}`}`,
        });
      }
    },
  };
}

/** Frames one after another, as a file holds them. */
export function joined(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length, 0));
  let at = 0;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes;
}
