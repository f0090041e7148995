import { measurementsInvalid } from "../measurement-error.ts";
import type { TransferTime } from "./transfer-time.ts";

const LINE_MAX = 4096;

/**
 * Standard output of nixlbench: one transfer a line of its table, by block and batch size; the time of a batch from bytes and bandwidth of one worker.
 *
 * Errors: `measurements-invalid` where there is no table, or a line of it is damaged.
 * Source: columns as printed by ai-dynamo/nixl benchmark/nixlbench; their order differs by release and pattern, so it is read from the header.
 */
export function readNixlbench(text: string, file: string): TransferTime[] {
  const times: TransferTime[] = [];
  let columns: readonly string[] | undefined;
  text.split(/\r?\n/).forEach((whole, i) => {
    const line = whole.slice(0, LINE_MAX);
    if (line.includes("Block Size (B)") && line.includes("B/W (GB/Sec)")) columns = line.trim().split(/\s{2,}/);
    else if (columns !== undefined && /^\s*\d+\s+\d+\s/.test(line)) times.push(timeOf(line, columns, { file, line: i + 1 }));
  });
  if (times.length === 0) throw measurementsInvalid({ file }, "holds no table with the columns `Block Size (B)` and `B/W (GB/Sec)`");
  return times;
}

function timeOf(line: string, columns: readonly string[], place: { readonly file: string; readonly line: number }): TransferTime {
  const fields = line.trim().split(/\s+/);
  const field = (column: string, least: number): number => {
    const value = Number(fields[columns.indexOf(column)]);
    if (!(value >= least && value < Number.POSITIVE_INFINITY))
      throw measurementsInvalid({ ...place, column }, `"${fields[columns.indexOf(column)] ?? ""}" is no number from ${least}`);
    return value;
  };
  const blockBytes = field("Block Size (B)", 1);
  const blocks = field("Batch Size", 1);
  const rate = field("B/W (GB/Sec)", 1e-9);
  const post = columns.includes("Avg Post (us)") ? { postNs: field("Avg Post (us)", 0) * 1000 } : {};
  return { blockBytes, blocks, ns: (blockBytes * blocks) / rate, ...post };
}
