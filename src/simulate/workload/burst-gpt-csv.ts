import { NS_PER_S } from "../../base/units.ts";
import { csvRows, decimalCell, isCsvHeader, wholeCell } from "./csv-columns.ts";
import { timeField, tokensField } from "./number-field.ts";
import type { Workload, WorkloadRequest } from "./workload.ts";

const COLUMNS = ["Timestamp", "Request tokens", "Response tokens"] as const;

/**
 * Requests of a BurstGPT trace: `Timestamp` (s), `Request tokens`, `Response tokens`; times count from the earliest row. Rows without an answer are
 * failures and left out. Sessions of the later files say nothing of shared tokens, so none are assumed.
 *
 * Errors: `workload-invalid` with line and field.
 * Source: HPMLL/BurstGPT, README (CC-BY-4.0).
 */
export function burstGptWorkload(text: string): Workload {
  const requests: WorkloadRequest[] = [];
  let failed = 0;
  let first = Infinity;
  for (const { line, cells } of csvRows(text, COLUMNS)) {
    const atNs = timeField(decimalCell(cells[0]!), { line, field: COLUMNS[0] }, NS_PER_S);
    const promptTokens = tokensField(wholeCell(cells[1]!), { line, field: COLUMNS[1] }, 0);
    const outputTokens = tokensField(wholeCell(cells[2]!), { line, field: COLUMNS[2] }, 0);
    first = Math.min(first, atNs);
    if (outputTokens === 0 || promptTokens === 0) failed += 1;
    else requests.push({ atNs, promptTokens, outputTokens });
  }
  return {
    source: "BurstGPT CSV",
    ...(failed === 0 ? {} : { leftOut: [{ reason: "no tokens asked or answered (failures)", rows: failed }] }),
    requests: requests.map((request) => ({ ...request, atNs: request.atNs - first })),
  };
}

/** Whether a first line is the header of such a file. */
export function isBurstGptHeader(line: string): boolean {
  return isCsvHeader(line, COLUMNS);
}
