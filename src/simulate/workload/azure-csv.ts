import { csvRows, isCsvHeader, wholeCell } from "./csv-columns.ts";
import { tokensField } from "./number-field.ts";
import type { WorkloadRequest } from "./workload.ts";
import { WORKLOAD_NS_MAX } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

const COLUMNS = ["TIMESTAMP", "ContextTokens", "GeneratedTokens"] as const;
const STAMP = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:\+00:00|Z)?$/;
const NS_PER_DAY = 86_400 * 1e9;

/**
 * Requests of an Azure LLM inference trace: a header, then `TIMESTAMP,ContextTokens,GeneratedTokens`; times count from the earliest row.
 *
 * Errors: `workload-invalid` with line and field.
 * Source: Azure/AzurePublicDataset, AzureLLMInferenceDataset2023.md.
 */
export function azureRequests(text: string): WorkloadRequest[] {
  const stamps: Stamp[] = [];
  const requests: { promptTokens: number; outputTokens: number }[] = [];
  for (const { line, cells } of csvRows(text, COLUMNS)) {
    stamps.push(stampOf(cells[0]!, line));
    requests.push({
      promptTokens: tokensField(wholeCell(cells[1]!), { line, field: COLUMNS[1] }),
      outputTokens: tokensField(wholeCell(cells[2]!), { line, field: COLUMNS[2] }),
    });
  }
  const firstDay = stamps.reduce((least, stamp) => Math.min(least, stamp.day), Infinity);
  const times = stamps.map((stamp) => (stamp.day - firstDay) * NS_PER_DAY + stamp.ns);
  const first = times.reduce((least, time) => Math.min(least, time), Infinity);
  return requests.map((request, i) => {
    const atNs = times[i]! - first;
    if (!(atNs <= WORKLOAD_NS_MAX)) throw workloadInvalid({ field: COLUMNS[0] }, "the rows span more than 100 days");
    return { atNs, ...request };
  });
}

/** Whether a first line is the header of such a file. */
export function isAzureHeader(line: string): boolean {
  return isCsvHeader(line, [COLUMNS[0]]);
}

/** An instant as days since a fixed one and ns within the day, so that no digit is lost. */
interface Stamp {
  readonly day: number;
  readonly ns: number;
}

function stampOf(text: string, line: number): Stamp {
  const parts = STAMP.exec(text);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (parts ?? []).slice(1, 7).map(Number);
  if (parts === null || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) {
    throw workloadInvalid({ line, field: COLUMNS[0] }, "a stamp such as 2023-11-16 18:15:46.6805900 is meant");
  }
  const fraction = Number((parts[7] ?? "").padEnd(9, "0"));
  return { day: dayNumber(year, month, day), ns: ((hour * 60 + minute) * 60 + second) * 1e9 + fraction };
}

/** Days since 1 March of year 0 in the Gregorian calendar; years begin in March, so that the leap day comes last. */
function dayNumber(year: number, month: number, day: number): number {
  const y = month < 3 ? year - 1 : year;
  const monthFromMarch = (month + 9) % 12;
  return 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
}
