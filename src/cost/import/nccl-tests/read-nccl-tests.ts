import type { MeasuredOperator, MeasuredTable } from "../../operator/measured-table.ts";
import type { CollectiveKind } from "../../operator/operator-query.ts";
import { measurementsInvalid } from "../measurement-error.ts";

export interface NcclTestsOptions {
  /** Named in errors. */
  readonly file: string;
  /** What the text does not tell: releases before 2.16 do not name the collective, logs may lack the list of ranks. */
  readonly kind?: CollectiveKind;
  readonly ranks?: number;
  readonly ranksPerNode?: number;
}

const KINDS: Readonly<Record<string, CollectiveKind>> = {
  all_reduce: "all-reduce",
  all_gather: "all-gather",
  reduce_scatter: "reduce-scatter",
  alltoall: "all-to-all",
  broadcast: "broadcast",
};
const NS_PER_US = 1000;
const LINE_MAX = 4096;
/** What mpirun writes before each line when it tags output. */
const TAG = /^\[\d+,\d+\]<std(?:out|err)>:\s?/;
const RANK = /^#\s+Rank\s+(\d+)\s.*?\bon\s+(\S+)\s+device\b(?:\s+\d+\s+\[[^\]]*\]\s*(.*))?/;

/**
 * Standard output of nccl-tests (`all_reduce_perf` and its siblings): out-of-place times by size, ranks and hosts from the list of devices.
 *
 * Errors: `measurements-invalid` where collective or ranks are neither in the text nor in the options, where no line of results is found, or where one is damaged.
 * Source: layout as printed by NVIDIA/nccl-tests 2.13 to 2.18.
 */
export function readNcclTests(text: string, options: NcclTestsOptions): MeasuredTable {
  const { file } = options;
  const lines = text.split(/\r?\n/).map((line) => line.slice(0, LINE_MAX).replace(TAG, ""));
  const kind = options.kind ?? kindOf(lines);
  if (kind === undefined) throw measurementsInvalid({ file }, "names no collective that is known: say which it is");
  const { ranks, ranksPerNode, device } = groupOf(lines, options);
  const rows: MeasuredOperator[] = [];
  let columns: readonly string[] | undefined;
  lines.forEach((line, i) => {
    if (/^#\s+size\s+count\s/.test(line)) columns = line.slice(1).trim().split(/\s+/);
    else if (columns !== undefined && /^\s*\d+\s+\d+\s/.test(line))
      rows.push(rowOf(line, columns, { file, line: i + 1 }, { kind, ranks, ranksPerNode, row: rows.length + 1 }));
  });
  if (rows.length === 0) throw measurementsInvalid({ file }, "holds no line of results below a header `size count type`");
  return { file, device, engine: "nccl-tests", rows, skipped: {} };
}

function rowOf(
  line: string,
  columns: readonly string[],
  place: { readonly file: string; readonly line: number },
  { row, ...group }: { readonly kind: CollectiveKind; readonly ranks: number; readonly ranksPerNode: number; readonly row: number },
): MeasuredOperator {
  const fields = line.trim().split(/\s+/);
  const time = columns.indexOf("time");
  if (time < 0) throw measurementsInvalid({ ...place, column: "time" }, "the header has no such column");
  const bytes = Number(fields[0]);
  const us = Number(fields[time]);
  if (!Number.isSafeInteger(bytes)) throw measurementsInvalid({ ...place, column: "size" }, `${fields[0]} is no size`);
  if (!(us > 0 && us < Number.POSITIVE_INFINITY))
    throw measurementsInvalid({ ...place, column: "time" }, `"${fields[time] ?? ""}" is no time above 0`);
  return { query: { op: "collective", bytes, ...group }, ns: us * NS_PER_US, row };
}

function kindOf(lines: readonly string[]): CollectiveKind | undefined {
  for (const line of lines) {
    const name = /(?:Collective test starting:\s*|\/|\s|^)(all_reduce|all_gather|reduce_scatter|alltoall|broadcast)_perf\b/.exec(line)?.[1];
    if (name !== undefined) return KINDS[name];
  }
  return undefined;
}

function groupOf(
  lines: readonly string[],
  { file, ...options }: NcclTestsOptions,
): { ranks: number; ranksPerNode: number; device: string } {
  const hosts = new Map<string, number>();
  let device = "";
  for (const line of lines) {
    const match = RANK.exec(line);
    if (match === null) continue;
    hosts.set(match[2]!, (hosts.get(match[2]!) ?? 0) + 1);
    device ||= (match[3] ?? "").trim();
  }
  const listed = [...hosts.values()];
  const ranks = options.ranks ?? listed.reduce((sum, count) => sum + count, 0);
  const ranksPerNode = options.ranksPerNode ?? (listed.length > 0 ? listed[0]! : ranks);
  if (!(Number.isSafeInteger(ranks) && ranks > 0)) throw measurementsInvalid({ file }, "lists no ranks: say how many there were");
  if (options.ranksPerNode === undefined && listed.some((count) => count !== listed[0]))
    throw measurementsInvalid({ file }, "has hosts with different numbers of ranks");
  if (ranks % ranksPerNode !== 0) throw measurementsInvalid({ file }, `has ${ranks} ranks, ${ranksPerNode} in each node`);
  return { ranks, ranksPerNode, device };
}
