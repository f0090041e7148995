import { existsSync, readFileSync } from "node:fs";
import { seededPrng } from "../../src/base/prng.ts";
import type { RequestColumns } from "../../src/simulate/serving/serving-input.ts";

const TRACE = "../shared/data/mooncake-traces/FAST25-release/traces/conversation_trace.jsonl";
const NS_PER_MS = 1e6;
const KEY_TOKENS = 512;
/** Of the conversation trace: requests, mean prompt and output, for the generated stand-in. */
const COUNT = 12_031;
const SPAN_NS = 3.537e12;

/** The Mooncake conversation trace, or requests like it where the folder of shared data is not there; says which. */
export function traceRequests(): { readonly requests: RequestColumns; readonly source: string } {
  if (!existsSync(TRACE))
    return { requests: generated(), source: `${COUNT} generated requests of like lengths, because ${TRACE} is not there` };
  const rows = readFileSync(TRACE, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { timestamp: number; input_length: number; output_length: number; hash_ids: number[] });
  const columns = rows.map((row) => ({
    atNs: row.timestamp * NS_PER_MS,
    prompt: row.input_length,
    output: Math.max(1, row.output_length),
    ids: row.hash_ids,
  }));
  return {
    requests: toColumns(columns),
    source: `Mooncake conversation trace, ${rows.length} requests over ${(SPAN_NS / 6e10).toFixed(0)} min`,
  };
}

interface Row {
  readonly atNs: number;
  readonly prompt: number;
  readonly output: number;
  readonly ids: readonly number[];
}

/** Conversations of 1 to 5 turns, each continuing the prompt before. */
function generated(): RequestColumns {
  const prng = seededPrng(1);
  const rows: Row[] = [];
  let ids = 1;
  for (let i = 0; i < COUNT; i++) {
    const earlier = i > 0 && prng.nextBelow(3) > 0 ? rows[prng.nextBelow(i)]!.ids : [0];
    const prompt = Math.max(600, earlier.length * KEY_TOKENS + prng.nextBelow(16_000));
    const fresh = Math.ceil(prompt / KEY_TOKENS) - earlier.length;
    rows.push({
      atNs: Math.floor((i * SPAN_NS) / COUNT / 3e9) * 3e9,
      prompt: Math.min(prompt, 100_000),
      output: 1 + prng.nextBelow(686),
      ids: [...earlier, ...Array.from({ length: Math.max(0, fresh) }, () => ids++)],
    });
  }
  return toColumns(rows);
}

function toColumns(rows: readonly Row[]): RequestColumns {
  const blockStart = new Int32Array(rows.length + 1);
  rows.forEach(({ ids }, i) => {
    blockStart[i + 1] = blockStart[i]! + ids.length;
  });
  const blockIds = new Int32Array(blockStart[rows.length]!);
  rows.forEach(({ ids }, i) => {
    blockIds.set(ids, blockStart[i]!);
  });
  return {
    count: rows.length,
    arrivalNs: Float64Array.from(rows, ({ atNs }) => atNs),
    promptTokens: Int32Array.from(rows, ({ prompt }) => prompt),
    outputTokens: Int32Array.from(rows, ({ output }) => output),
    blockStart,
    blockIds,
    blockTokens: KEY_TOKENS,
  };
}

/** `count` requests: the trace again and again, later each time and with prefixes of its own; `speed` times as dense. */
export function repeated(trace: RequestColumns, count: number, speed: number): RequestColumns {
  const span = trace.arrivalNs[trace.count - 1]! + 3e9;
  const ids = trace.blockIds.reduce((most, id) => Math.max(most, id), 0) + 1;
  const blockStart = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const row = i % trace.count;
    blockStart[i + 1] = blockStart[i]! + trace.blockStart[row + 1]! - trace.blockStart[row]!;
  }
  const blockIds = new Int32Array(blockStart[count]!);
  const arrivalNs = new Float64Array(count);
  const promptTokens = new Int32Array(count);
  const outputTokens = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const row = i % trace.count;
    const turn = Math.floor(i / trace.count);
    arrivalNs[i] = Math.round((trace.arrivalNs[row]! + turn * span) / speed);
    promptTokens[i] = trace.promptTokens[row]!;
    outputTokens[i] = trace.outputTokens[row]!;
    for (let k = trace.blockStart[row]!; k < trace.blockStart[row + 1]!; k++) {
      blockIds[blockStart[i]! + k - trace.blockStart[row]!] = trace.blockIds[k]! + turn * ids;
    }
  }
  return { count, arrivalNs, promptTokens, outputTokens, blockStart, blockIds, blockTokens: trace.blockTokens };
}
