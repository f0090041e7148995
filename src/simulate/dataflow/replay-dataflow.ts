import { emptyCommandHash, hashCommand } from "../../engine/command-hash.ts";
import { createDataflowEngine } from "../../engine/dataflow/dataflow-engine.ts";
import type { DataflowOutcome, DataflowRunInput } from "./dataflow-run.ts";

/** Feeds the events of a run to a new engine: index of the first event after which its commands differ; `undefined` where none does. */
export function firstDifference(
  input: Pick<DataflowRunInput, "config" | "policy" | "from">,
  steps: DataflowOutcome["steps"],
): number | undefined {
  const engine = createDataflowEngine(input.config, input.policy, input.from);
  const recorded = emptyCommandHash();
  const replayed = emptyCommandHash();
  for (const [index, { event, now, commands }] of steps.entries()) {
    for (const command of commands) hashCommand(recorded, command);
    for (const command of engine.step(event, now)) hashCommand(replayed, command);
    if (recorded.high !== replayed.high || recorded.low !== replayed.low) return index;
  }
  return undefined;
}
