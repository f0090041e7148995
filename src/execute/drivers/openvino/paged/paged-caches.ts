import type { DecoderSpec } from "../../../../graph/decoder/spec.ts";
import { BLOCK_TOKENS } from "../../../../state/block.ts";
import { createKvLevels, fromLevels, type KvLevels, LEVEL_PARAMETERS, toLevels } from "./kv-levels.ts";
import { rotationOrder } from "./rotation-order.ts";

/** Tokens of a block of the operator on CPUs. Source: OpenVINO 2026.4, "CPU: block size must be 32". */
export const PAGED_TOKENS = 32;
/** Its blocks in one of heddle's pages: page p is blocks p·2 and p·2 + 1. */
export const BLOCKS_A_PAGE = BLOCK_TOKENS / PAGED_TOKENS;

/** Keys and values of a stage's layers twice: heddle's pages in f32, and the operator's caches, [blocks, KV, 32, 8 + D] bytes. */
export interface PagedCaches {
  /** Keys of the stage's layer i at 2i, values at 2i + 1: [capacity, KV, 64, D]. */
  readonly pages: readonly Float32Array[];
  readonly levels: readonly KvLevels[];
  readonly dims: readonly number[];
  /** Copies the first `tokens` tokens of a lane from its pages to the caches. */
  filled(pages: readonly number[], tokens: number): void;
  /** Copies one token from the caches to a page. */
  appended(page: number, place: number): void;
}

export function createPagedCaches(
  spec: Pick<DecoderSpec, "kvHeads" | "headDim" | "rope">,
  { layers, pageCapacity }: { readonly layers: number; readonly pageCapacity: number },
): PagedCaches {
  const { kvHeads, headDim } = spec;
  const rowBytes = headDim + LEVEL_PARAMETERS;
  const blocks = pageCapacity * BLOCKS_A_PAGE;
  const buffers = layers * 2;
  const pages = Array.from({ length: buffers }, () => new Float32Array(pageCapacity * kvHeads * BLOCK_TOKENS * headDim));
  const levels = Array.from({ length: buffers }, () => createKvLevels(blocks * kvHeads * PAGED_TOKENS * rowBytes));
  const plain = Int32Array.from({ length: headDim }, (_, at) => at);
  const keys = rotationOrder(spec);
  const inPage = (page: number, head: number, place: number): number => ((page * kvHeads + head) * BLOCK_TOKENS + place) * headDim;
  const inCache = (page: number, head: number, place: number): number => {
    const block = page * BLOCKS_A_PAGE + Math.floor(place / PAGED_TOKENS);
    return ((block * kvHeads + head) * PAGED_TOKENS + (place % PAGED_TOKENS)) * rowBytes;
  };
  return {
    pages,
    levels,
    dims: [blocks, kvHeads, PAGED_TOKENS, rowBytes],
    filled: (held, tokens) => {
      for (let b = 0; b < buffers; b++) {
        const order = b % 2 === 0 ? keys : plain;
        for (let token = 0; token < tokens; token++) {
          const page = held[Math.floor(token / BLOCK_TOKENS)]!;
          const place = token % BLOCK_TOKENS;
          for (let head = 0; head < kvHeads; head++)
            toLevels(pages[b]!, inPage(page, head, place), levels[b]!, inCache(page, head, place), order);
        }
      }
    },
    appended: (page, place) => {
      for (let b = 0; b < buffers; b++) {
        const order = b % 2 === 0 ? keys : plain;
        for (let head = 0; head < kvHeads; head++)
          fromLevels(levels[b]!, inCache(page, head, place), pages[b]!, inPage(page, head, place), order);
      }
    },
  };
}
