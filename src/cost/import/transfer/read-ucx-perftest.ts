import { measurementsInvalid } from "../measurement-error.ts";
import type { TransferTime } from "./transfer-time.ts";

const LINE_MAX = 4096;
/** What ucx_perftest prints as MB is 2^20 bytes. Source: openucx/ucx src/tools/perf. */
const MIB = 1048576;

/**
 * Output of ucx_perftest: the line `Final:` of a latency test (half a round trip) or of a bandwidth test (bytes over the overall bandwidth).
 *
 * `bytes`: of a message (`-s`); clients do not print it, servers do. Errors: `measurements-invalid`.
 */
export function readUcxPerftest(text: string, { file, bytes }: { readonly file: string; readonly bytes?: number }): TransferTime {
  const lines = text.split(/\r?\n/).map((line) => line.slice(0, LINE_MAX));
  const size = bytes ?? Number(lines.map((line) => /Message size:\s*(\d+)/.exec(line)?.[1]).find((found) => found !== undefined));
  if (!(Number.isSafeInteger(size) && size > 0)) throw measurementsInvalid({ file }, "does not tell the message size: say it");
  const at = lines.findLastIndex((line) => line.startsWith("Final:"));
  if (at < 0) throw measurementsInvalid({ file }, "has no line `Final:`: the test did not end");
  const fields = lines[at]!.slice("Final:".length).trim().split(/\s+/).map(Number);
  const latency = lines.some((line) => line.includes("latency (usec)"));
  // Iterations, median, average, overall time; average and overall bandwidth; average and overall message rate.
  const [average, overall] = [fields[2], fields[5]];
  const ns = latency ? (average ?? 0) * 1000 : (size / ((overall ?? 0) * MIB)) * 1e9;
  if (fields.length < 6 || !(ns > 0 && ns < Number.POSITIVE_INFINITY))
    throw measurementsInvalid({ file, line: at + 1 }, "holds no time above 0");
  return { blockBytes: size, blocks: 1, ns };
}
