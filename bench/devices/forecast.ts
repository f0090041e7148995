import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../src/base/assert.ts";
import { HeddleError } from "../../src/base/heddle-error.ts";
import type { DataflowEvent, TaskId } from "../../src/engine/dataflow/dataflow-types.ts";
import { joinLedger, readLedger } from "../../src/engine/ledger-reader.ts";
import { earliestFinish } from "../../src/policy/policies/earliest-finish.ts";
import { forecastRun, type RecordedRack } from "../../src/simulate/dataflow/forecast-run.ts";

/** What each part of a run would take in virtual time by what had been learned before it, against what it took: forecast / recorded - 1. */
export function forecastErrors(folder: string, starts: readonly TaskId[]): readonly number[] {
  const recorded = recordedRack(folder);
  return starts.map((task, i) => {
    const until = starts[i + 1];
    const events = recorded.events.slice(0, until === undefined ? undefined : firstEventOf(recorded, until));
    const forecast = forecastRun({ ...recorded, events }, { first: firstEventOf(recorded, task) });
    if (!forecast.ok) throw new HeddleError("internal", { where: "devices bench", detail: JSON.stringify(forecast.error) });
    return forecast.value.forecastNs / forecast.value.recordedNs - 1;
  });
}

function recordedRack(folder: string): RecordedRack {
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
function firstEventOf({ events }: RecordedRack, task: TaskId): number {
  let at = events.findIndex(({ event }) => event.type === "submitted" && event.first >= task);
  while (at > 0 && ["handle-declared", "put", "stage-declared"].includes(must(events[at - 1], "an event before").event.type)) at--;
  return at;
}
