import { HeddleError } from "../../src/base/heddle-error.ts";
import type { TaskId } from "../../src/engine/dataflow/dataflow-types.ts";
import { forecastRun } from "../../src/simulate/dataflow/forecast-run.ts";
import { firstEventOf, recordedRack } from "../recorded-rack.ts";

/** What each of the first `count` parts of a run would take in virtual time by what had been learned before it, against what it took: forecast / recorded - 1. */
export function forecastErrors(folder: string, starts: readonly TaskId[], count: number): readonly number[] {
  const recorded = recordedRack(folder);
  return starts.slice(0, count).map((task, i) => {
    const until = starts[i + 1];
    const events = recorded.events.slice(0, until === undefined ? undefined : firstEventOf(recorded, until));
    const forecast = forecastRun({ ...recorded, events }, { first: firstEventOf(recorded, task) });
    if (!forecast.ok) throw new HeddleError("internal", { where: "devices bench", detail: JSON.stringify(forecast.error) });
    return forecast.value.forecastNs / forecast.value.recordedNs - 1;
  });
}
