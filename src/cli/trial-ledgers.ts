import { join } from "node:path";
import type { FleetCommand, FleetEvent } from "../engine/fleet-engine-types.ts";
import type { Ledger } from "../engine/ledger.ts";
import { joinLedger, readLedger } from "../engine/ledger-reader.ts";
import { replayLedger } from "../engine/replay.ts";
import { engineOfLedger } from "../engine/replay-engine.ts";
import { filesIn } from "../execute/discover/rack-cache.ts";
import { createRequestRecorder } from "../simulate/metrics/record-watcher.ts";
import type { RequestRecord } from "../simulate/metrics/request-record.ts";
import { parseBytesFile } from "./read-file.ts";

/** Ledgers of one live run. */
export interface TrialLedgers {
  readonly fleet: Ledger | undefined;
  /** One for each life of a replica's host. */
  readonly replicas: readonly { readonly replica: number; readonly ledger: Ledger }[];
}

/** Reads the ledgers a run left in a folder. Errors: `file-unreadable`, `ledger-invalid`. */
export function readTrialLedgers(folder: string): TrialLedgers {
  const segments = new Map<string, Ledger[]>();
  for (const file of filesIn(folder)) {
    const name = /^(fleet|replica-\d+-\d+)(?:\.\d+)?\.ledger$/.exec(file)?.[1];
    if (name === undefined) continue;
    const list = segments.get(name) ?? [];
    list.push(parseBytesFile(join(folder, file), readLedger));
    segments.set(name, list);
  }
  const joined = [...segments].map(([name, list]) => ({ name, ledger: joinLedger(list) }));
  return {
    fleet: joined.find(({ name }) => name === "fleet")?.ledger,
    replicas: joined.flatMap(({ ledger }) =>
      ledger.header.node.type === "replica" ? [{ replica: ledger.header.node.replica, ledger }] : [],
    ),
  };
}

/** The requests of a run as its fleet engine saw them; the ledger's events are fed to an engine once more to learn its commands. */
export function liveRecords(ledger: Ledger): readonly RequestRecord[] {
  const recorder = createRequestRecorder();
  replayLedger(ledger, (header, state) => {
    const engine = engineOfLedger(header, state);
    return {
      step: (event, now) => {
        const commands = engine.step(event, now);
        recorder.observe(event as FleetEvent, now, commands as readonly FleetCommand[]);
        return commands;
      },
    };
  });
  return recorder.records;
}
