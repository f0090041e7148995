import type { Nanoseconds } from "../../base/units.ts";

/** What is checked from outside the dataflow engine in every virtual run, by the name of the checker. */
export const DATAFLOW_CHECKS = {
  capacity: "no memory holds more than its capacity, and no device more executables than its class allows, at any instant",
  reads: "what a task or a transfer reads is there, whole and of the right version",
  use: "nothing is dropped, unloaded or overwritten while it is in use",
  devices: "a run starts on living, idle devices that have its stage loaded",
  ends: "every accepted task and every fetch ends once",
  results: "what is fetched is what sequential execution gives",
  leaks: "when everything was released, nothing is left: no buffer, value, lineage record or lease",
  progress: "while something is pending, something moves",
  replay: "the same events give the same commands",
  promises: "no assertion of the engine breaks",
} as const satisfies Record<string, string>;

export type DataflowCheck = keyof typeof DATAFLOW_CHECKS;

export interface DataflowViolation {
  readonly check: DataflowCheck;
  readonly at: Nanoseconds;
  readonly message: string;
}

export type DataflowReport = (check: DataflowCheck, message: string) => void;
