import type { Prng } from "../../../base/prng.ts";
import { NS_PER_S } from "../../../base/units.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { createColumnBuilder } from "../columns/column-builder.ts";
import { GENERATED_ROWS_MAX } from "./generated-bounds.ts";
import type { LengthPair, PairDraw } from "./pair-draw.ts";
import type { SpecFields } from "./spec.ts";

/** Length of the blocks of a workload in which nothing is shared. Units: tokens. */
const BLOCK = 16;

/**
 * Clients that send one request at a time: the next one `think` seconds after the answer to the last. All start at 0, as load generators with a
 * fixed concurrency do.
 */
export function closedColumns(spec: SpecFields, draw: PairDraw, prng: Prng): RequestColumns {
  const clients = spec.whole("clients", { least: 1, most: GENERATED_ROWS_MAX });
  const requests = spec.whole("requests", { least: 1, most: GENERATED_ROWS_MAX });
  const thinkNs = Math.round(spec.number("think", { least: 0, otherwise: 0 }) * NS_PER_S);
  spec.finish();
  const builder = createColumnBuilder(requests);
  const pair: LengthPair = { promptTokens: 1, outputTokens: 1 };
  for (let row = 0; row < requests; row++) {
    draw(prng, pair);
    builder.add({ atNs: 0, ...pair, ...(row < clients ? {} : { after: row - clients, thinkNs }) });
  }
  return builder.columns(BLOCK);
}
