import type { Nanoseconds } from "../../base/units.ts";
import type { FleetEngine } from "../../engine/fleet-engine.ts";
import type { ReplicaEngine } from "../../engine/replica-engine.ts";
import type { RunInput } from "../run/run-input.ts";
import type { RunWatcher } from "../run/watcher.ts";
import { createDeliveryChecker } from "./delivery-checker.ts";
import { heldByFleet, heldByReplica } from "./leak-checker.ts";
import { nodeName } from "./node-name.ts";
import { createReplayChecker } from "./replay-checker.ts";
import { createReplicaChecker, type ReplicaChecker } from "./replica-checker.ts";
import type { Report, Violation } from "./violation.ts";

/** Watchers that check all six invariants of a run, with what they found so far. */
export interface InvariantChecker {
  readonly watchers: readonly RunWatcher[];
  readonly violations: readonly Violation[];
}

/** Violations kept of a run; one is enough to judge it. */
const VIOLATIONS_MAX = 100;

export interface InvariantCheckerOptions {
  /** Leave out the replay of every ledger (invariant 5), which takes as long as the run. */
  readonly withoutReplay?: boolean;
}

/** Checks a run from outside its engines: with bookkeeping of its own over events and commands, and by replaying every engine's ledger. */
export function createInvariantChecker(input: Omit<RunInput, "watchers">, options: InvariantCheckerOptions = {}): InvariantChecker {
  const violations: Violation[] = [];
  const report: Report = (violation) => {
    if (violations.length < VIOLATIONS_MAX) violations.push(violation);
  };
  const watchers = [createDeliveryChecker(input.requests, report), createHostsChecker(input, report), createProgressChecker(report)];
  if (options.withoutReplay !== true) watchers.push(createReplayChecker(input, { report, needed: () => violations.length === 0 }));
  return { watchers, violations };
}

/** Invariants 2, 3 and 6 of every host while it lives, and leaks at the end. */
function createHostsChecker(input: Omit<RunInput, "watchers">, report: Report): RunWatcher {
  const living = new Map<string, { readonly checker: ReplicaChecker; readonly engine: ReplicaEngine }>();
  let fleet: FleetEngine | undefined;
  const leak = (node: string, held: readonly string[], at: Nanoseconds): void => {
    for (const what of held) report({ invariant: 2, at, node, message: `${what} left at the end` });
  };
  return {
    fleetStarted: (engine) => {
      fleet = engine;
    },
    hostStarted: (life, engine) => {
      const node = nodeName(life);
      const { config } = input.replicas[life.replica]!;
      living.set(node, {
        engine,
        checker: createReplicaChecker(config, (invariant, message, at) => report({ invariant, at, node, message })),
      });
    },
    replicaStepped: (life, { event, commands }, now) => living.get(nodeName(life))?.checker.step(event, commands, now),
    hostEnded: (life) => {
      living.delete(nodeName(life));
    },
    runEnded: ({ now, settled }) => {
      if (!settled) return;
      if (fleet !== undefined) leak("fleet", heldByFleet(fleet), now);
      for (const [node, { checker, engine }] of living) {
        checker.ended(now);
        leak(node, heldByReplica(engine), now);
      }
    },
  };
}

/** Invariant 6, and promises of the nodes' own: every request ends, and no node breaks. */
function createProgressChecker(report: Report): RunWatcher {
  const open = new Set<number>();
  let failed = false;
  return {
    fleetStepped: (event, _now, commands) => {
      if (event.type === "request-arrived") open.add(event.request);
      for (const command of commands) if (command.type === "finish" || command.type === "reject") open.delete(command.request);
    },
    nodeFailed: (node, message, at) => {
      failed = true;
      report({ invariant: 6, at, node: nodeName(node), message: `broke its own promise: ${message}` });
    },
    runEnded: ({ now }) => {
      if (failed || open.size === 0) return;
      const [first] = open;
      report({ invariant: 6, at: now, node: "fleet", message: `${open.size} requests never end, ${first} among them` });
    },
  };
}
