import { HeddleError } from "../../base/heddle-error.ts";
import type { DataflowFailure, Refusal } from "../../engine/dataflow/dataflow-types.ts";

/** What the engine says of a failed task, as an error of the table. */
export function failureError(failure: DataflowFailure, cause?: HeddleError): HeddleError {
  if (failure.code === "cancelled") return new HeddleError("cancelled");
  if (failure.code === "capacity") {
    return new HeddleError("capacity", {
      where: `memory ${failure.memory}`,
      detail: `${failure.neededBytes} bytes needed, ${failure.freeBytes} free`,
    });
  }
  if (cause !== undefined) return cause;
  const { code, ...facts } = failure;
  return new HeddleError("device-failed", { where: code, detail: JSON.stringify(facts) });
}

/** Why the engine took nothing of what was asked. */
export function refusalError(refusal: Refusal): HeddleError {
  const { code, ...facts } = refusal;
  if (code === "capacity") return new HeddleError("capacity", { detail: `${refusal.neededBytes} bytes needed, ${refusal.freeBytes} free` });
  if (code === "backlog-full")
    return new HeddleError("queue-full", { detail: `${refusal.pending} tasks wait, ${refusal.limit} are the limit` });
  return new HeddleError("stage-unsupported", { where: code, detail: JSON.stringify(facts) });
}
