import { assert } from "../../../base/assert.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { WORKLOAD_NS_MAX, WORKLOAD_TOKENS_MAX } from "../workload.ts";
import { workloadInvalid } from "../workload-error.ts";
import { BLOCK_IDS_MAX } from "./column-builder.ts";
import { createPrefixNames, NO_PREFIX } from "./prefix-names.ts";

/** Factors on a workload; 1 leaves it as it is. Think times stay. */
export interface WorkloadScale {
  readonly rate: number;
  readonly prompt: number;
  readonly output: number;
}

/** Shortest block that scaled prefixes are cut into. Units: tokens. */
const BLOCK_MIN = 16;

/**
 * The workload at another rate and with longer or shorter texts. Prefixes scale with their prompts: what two prompts share grows by the same factor.
 *
 * Errors: `workload-invalid` where lengths or times leave their bounds.
 */
export function scaleColumns(columns: RequestColumns, { rate, prompt, output }: WorkloadScale): RequestColumns {
  assert(rate > 0 && prompt > 0 && output > 0, "factors are above 0", { rate, prompt, output });
  const scaled: RequestColumns = {
    ...columns,
    arrivalNs: columns.arrivalNs.map((atNs) => Math.round(atNs / rate)),
    promptTokens: scaledLengths(columns.promptTokens, prompt),
    outputTokens: scaledLengths(columns.outputTokens, output),
  };
  if (columns.count > 0 && !(scaled.arrivalNs[columns.count - 1]! <= WORKLOAD_NS_MAX)) {
    throw workloadInvalid({ field: "rate" }, "the last request arrives after more than 100 days");
  }
  return prompt === 1 ? scaled : { ...scaled, ...scaledBlocks(columns, scaled.promptTokens, prompt) };
}

function scaledLengths(tokens: Int32Array, factor: number): Int32Array {
  return tokens.map((count) => {
    const length = Math.max(1, Math.round(count * factor));
    if (length > WORKLOAD_TOKENS_MAX) throw workloadInvalid({ field: "length" }, `gives ${length} tokens, at most ${WORKLOAD_TOKENS_MAX}`);
    return length;
  });
}

/**
 * Shared blocks of prompts that are `factor` times as long, cut anew: a new block lies within the old ones up to its end, so two prompts share it
 * exactly where they share the last of those.
 */
function scaledBlocks(
  columns: RequestColumns,
  promptTokens: Int32Array,
  factor: number,
): Pick<RequestColumns, "blockStart" | "blockIds" | "blockTokens"> {
  const oldTokens = columns.blockTokens * factor;
  const blockTokens = Math.max(BLOCK_MIN, Math.floor(oldTokens / BLOCK_MIN) * BLOCK_MIN);
  const names = createPrefixNames();
  const blockStart = new Int32Array(columns.count + 1);
  const blocksOf = (row: number): number =>
    Math.floor(Math.min(promptTokens[row]!, (columns.blockStart[row + 1]! - columns.blockStart[row]!) * oldTokens) / blockTokens);
  for (let row = 0; row < columns.count; row++) blockStart[row + 1] = blockStart[row]! + blocksOf(row);
  const total = blockStart[columns.count]!;
  if (!(total >= 0 && total <= BLOCK_IDS_MAX)) throw workloadInvalid({ field: "length" }, `gives more than ${BLOCK_IDS_MAX} shared blocks`);
  const blockIds = new Int32Array(total);
  for (let row = 0; row < columns.count; row++) {
    let name = NO_PREFIX;
    for (let at = blockStart[row]!; at < blockStart[row + 1]!; at++) {
      const end = (at - blockStart[row]! + 1) * blockTokens;
      // A hair below, so that a block that ends where an old one does lies within that one.
      const old = Math.max(0, Math.ceil(end / oldTokens - 1e-9) - 1);
      name = names.name(name, columns.blockIds[columns.blockStart[row]! + old]!);
      blockIds[at] = name;
    }
  }
  return { blockStart, blockIds, blockTokens };
}
