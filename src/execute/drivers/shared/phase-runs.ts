import { must } from "../../../base/assert.ts";
import type { StageGraph } from "../../../graph/lower/stage-graph.ts";
import type { Feed, OnnxSession } from "./onnx-session.ts";
import { appendRows, makeRoom, type StageKv } from "./stage-kv.ts";

export interface PhaseSession {
  /** Without the model: its weights live in the session now. */
  readonly graph: Omit<StageGraph, "model">;
  readonly session: OnnxSession;
}

/** Added to a score that must not count; far below any real one, and its sum with one is still finite. */
const MASKED = -1e30;
/** Lanes without a row between two with one that are computed along, because another run would cost more. */
const GAP_MAX = 3;

/** One decode step of many lanes; `x` is overwritten with the residual stream after the stage. Each row: its lane and its place in `x`. */
export async function runDecode(
  phase: PhaseSession,
  kv: StageKv,
  work: { rows: readonly { lane: number; at: number }[]; x: Float32Array; width: number },
): Promise<void> {
  const rows = [...work.rows].sort((a, b) => a.lane - b.lane);
  for (const { lane } of rows) makeRoom(kv, lane, (kv.lengths[lane] ?? 0) + 1);
  let from = 0;
  for (let i = 1; i <= rows.length; i++) {
    if (i < rows.length && rows[i]!.lane - rows[i - 1]!.lane <= GAP_MAX + 1) continue;
    await decodeSegment(phase, kv, { ...work, rows: rows.slice(from, i) });
    from = i;
  }
}

async function decodeSegment(
  phase: PhaseSession,
  kv: StageKv,
  work: { rows: readonly { lane: number; at: number }[]; x: Float32Array; width: number },
): Promise<void> {
  const { rows, width } = work;
  const first = rows[0]!.lane;
  const batch = rows.at(-1)!.lane - first + 1;
  const { kvHeads, headDim, capacityTokens } = kv;
  const x = new Float32Array(batch * width);
  const positions = new BigInt64Array(batch);
  for (const row of rows) {
    x.set(work.x.subarray(row.at * width, (row.at + 1) * width), (row.lane - first) * width);
    positions[row.lane - first] = BigInt(kv.lengths[row.lane]!);
  }
  const feeds: Record<string, Feed> = {
    x: float(x, [batch, width]),
    positions: { type: "int64", data: positions, dims: [batch, 1] },
    past_mask: float(laneMask(kv, first, batch), [batch, 1, 1, capacityTokens]),
    split_sizes: sizes(capacityTokens, 1),
  };
  const stride = kvHeads * capacityTokens * headDim;
  addPast(feeds, phase, kv, (buffer) =>
    float(buffer.subarray(first * stride, (first + batch) * stride), [batch, kvHeads, capacityTokens, headDim]),
  );
  const outputs = await phase.session.run(feeds);
  const xOut = must(outputs[phase.graph.xOut], "a stage returns the residual stream");
  const source = must(outputs[phase.graph.kvOut], "a stage returns new keys and values");
  const token = kvHeads * headDim;
  for (const row of rows) {
    const lane = row.lane - first;
    work.x.set(xOut.subarray(lane * width, (lane + 1) * width), row.at * width);
    appendRows(kv, row.lane, { source, count: 1, offset: lane * token, bufferStride: batch * token, headStride: headDim });
  }
}

/** One chunk of a prompt; `x` is overwritten with the residual stream after the stage. */
export async function runPrefill(
  phase: PhaseSession,
  kv: StageKv,
  work: { lane: number; count: number; x: Float32Array; width: number },
): Promise<void> {
  const { lane, count, width } = work;
  const { kvHeads, headDim } = kv;
  const start = kv.lengths[lane]!;
  makeRoom(kv, lane, start + count);
  const past = start === 0 ? 1 : kv.capacityTokens;
  const mask = new Float32Array(past).fill(MASKED);
  mask.fill(0, 0, start);
  const groups = phase.graph.queryGroups;
  const feeds: Record<string, Feed> = {
    x: float(work.x, [count, width]),
    positions: { type: "int64", data: BigInt64Array.from({ length: count }, (_, i) => BigInt(start + i)), dims: [1, count] },
    past_mask: float(mask, [1, 1, 1, past]),
    new_mask: float(causalMask(count, groups), [1, 1, groups * count, count]),
    split_sizes: sizes(past, count),
  };
  const stride = kvHeads * kv.capacityTokens * headDim;
  const nothing = new Float32Array(kvHeads * headDim);
  addPast(feeds, phase, kv, (buffer) =>
    float(start === 0 ? nothing : buffer.subarray(lane * stride, (lane + 1) * stride), [1, kvHeads, past, headDim]),
  );
  const outputs = await phase.session.run(feeds);
  work.x.set(must(outputs[phase.graph.xOut], "a stage returns the residual stream"));
  const source = must(outputs[phase.graph.kvOut], "a stage returns new keys and values");
  const head = count * headDim;
  appendRows(kv, lane, { source, count, offset: 0, bufferStride: kvHeads * head, headStride: head });
}

function addPast(feeds: Record<string, Feed>, phase: PhaseSession, kv: StageKv, view: (buffer: Float32Array) => Feed): void {
  kv.buffers.forEach((buffer, i) => {
    const layer = phase.graph.fromLayer + (i >> 1);
    feeds[`${i % 2 === 0 ? "k" : "v"}.${layer}`] = view(buffer);
  });
}

function laneMask(kv: StageKv, first: number, batch: number): Float32Array {
  const mask = new Float32Array(batch * kv.capacityTokens).fill(MASKED);
  for (let i = 0; i < batch; i++) mask.fill(0, i * kv.capacityTokens, i * kv.capacityTokens + Math.max(0, kv.lengths[first + i]!));
  return mask;
}

/** Row g·S + s of the scores belongs to query token s; it sees new keys 0 to s. */
function causalMask(count: number, groups: number): Float32Array {
  const mask = new Float32Array(groups * count * count);
  for (let g = 0; g < groups; g++) {
    for (let s = 0; s < count; s++) mask.fill(MASKED, (g * count + s) * count + s + 1, (g * count + s + 1) * count);
  }
  return mask;
}

function float(data: Float32Array, dims: readonly number[]): Feed {
  return { type: "float32", data, dims };
}

function sizes(past: number, fresh: number): Feed {
  return { type: "int64", data: BigInt64Array.of(BigInt(past), BigInt(fresh)), dims: [2] };
}
