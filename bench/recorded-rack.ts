import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../src/base/assert.ts";
import { HeddleError } from "../src/base/heddle-error.ts";
import type { DataflowEvent, TaskId } from "../src/engine/dataflow/dataflow-types.ts";
import { joinLedger, readLedger } from "../src/engine/ledger-reader.ts";
import { earliestFinish } from "../src/policy/policies/earliest-finish.ts";
import type { RecordedRack } from "../src/simulate/dataflow/forecast-run.ts";

/** The ledger of a rack's folder, for forecasts. Errors: `ledger-invalid`. */
export function recordedRack(folder: string): RecordedRack {
  const files = readdirSync(folder).filter((file) => file.endsWith(".ledger"));
  const { header, events } = joinLedger(files.map((file) => readLedger(readFileSync(join(folder, file)))));
  if (header.node.type !== "dataflow") throw new HeddleError("ledger-invalid", { where: folder, detail: "it is not a rack's" });
  return {
    config: header.node.config,
    policy: earliestFinish,
    events: events.map(({ at, event }) => ({ at, event: event as DataflowEvent })),
  };
}

/** The first event of the client's calls that led to a task: all since the last answer of the executor. */
export function firstEventOf({ events }: RecordedRack, task: TaskId): number {
  let at = events.findIndex(({ event }) => event.type === "submitted" && event.first >= task);
  while (at > 0 && ["handle-declared", "put", "stage-declared"].includes(must(events[at - 1], "an event before").event.type)) at--;
  return at;
}
