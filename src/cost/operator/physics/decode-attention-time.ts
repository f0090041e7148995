import type { DecodeAttentionQuery } from "../operator-query.ts";
import { STORED_BYTES } from "../stored-bytes.ts";
import type { DeviceFigures } from "./device-figures.ts";
import type { DecodeAttentionConstants } from "./physics-constants.ts";

/** Half of a tile of keys. */
const WINDOW_REST = 64;
/** Bytes of an element of queries: narrower keys and values are widened to it. */
const QUERY_BYTES = 2;
/** Most pieces a context is cut into. */
const SPLIT_MAX = 128;

/**
 * Time of attention of one new token a sequence over its context.
 *
 * Model: the keys and values of all sequences at the share of the memory's rate that the cores can draw (contexts are cut in pieces where there are fewer
 * sequences and heads than cores), against the multiplications of query rows padded to a tile. Units: ns.
 */
export function decodeAttentionNs(
  device: DeviceFigures,
  constants: DecodeAttentionConstants,
  query: DecodeAttentionQuery,
  flopsPerNs: number,
): number {
  const { batch, heads, kvHeads, headDim } = query;
  // A window ends inside a tile of keys, which is read whole.
  const seen = query.window + WINDOW_REST;
  const context = query.window > 0 && seen < query.context ? seen : query.context;
  const group = Math.ceil(heads / kvHeads / constants.tileRows) * constants.tileRows;
  const elementBytes = STORED_BYTES[query.kvType];
  const tokenBytes = 2 * headDim * (elementBytes < QUERY_BYTES ? elementBytes + constants.widenBytes : elementBytes);
  const units = batch * kvHeads;
  const bytes = units * context * tokenBytes + batch * heads * headDim * 4;
  const memoryNs = bytes / (device.bytesPerNs * constants.memoryShare);
  const computeNs = (4 * units * group * headDim * context) / (flopsPerNs * constants.computeShare);
  const longer = computeNs > memoryNs ? computeNs : memoryNs;
  let ns = longer + constants.serialShare * (computeNs + memoryNs - longer);
  if (device.cores > 0) {
    const partsMax = constants.splitsSingle || heads > kvHeads ? SPLIT_MAX : 1;
    const drawn = drawNs(device, constants, { units, context, tokenBytes, partsMax });
    if (drawn > ns) ns = drawn;
  }
  return constants.launchNs + ns;
}

interface Pieces {
  readonly units: number;
  readonly context: number;
  readonly tokenBytes: number;
  readonly partsMax: number;
}

/** Time in which the cores can draw the keys and values, with the context cut as suits best. */
function drawNs(device: DeviceFigures, constants: DecodeAttentionConstants, pieces: Pieces): number {
  const { units, context, tokenBytes, partsMax } = pieces;
  const coreBytes = (device.bytesPerNs * constants.coreDraw) / device.cores;
  let best = Infinity;
  for (let parts = 1, extra = 0; parts <= partsMax; parts *= 2, extra = constants.splitNs) {
    const full = (units * parts) / device.cores;
    const waves = full <= 1 ? 1 : full;
    const ns = waves * (constants.unitNs + ((context / parts + constants.fillTokens) * tokenBytes) / coreBytes) + extra;
    if (ns < best) best = ns;
    if (full >= 1) break;
  }
  return best;
}
