import { HeddleError } from "../../base/heddle-error.ts";

/** Where a workload is wrong: a line of its file (from 1) or a part of its text, and the field. */
export interface WorkloadPlace {
  readonly line?: number;
  readonly field?: string;
}

/** `workload-invalid` with line and field. */
export function workloadInvalid(place: WorkloadPlace, detail: string): HeddleError {
  const parts = [
    ...(place.line === undefined ? [] : [`line ${place.line}`]),
    ...(place.field === undefined ? [] : [`field ${place.field}`]),
  ];
  return new HeddleError("workload-invalid", { where: parts.join(", ") || "the whole text", detail });
}
