import type { DecoderSpec } from "../../../../graph/decoder/spec.ts";
import { BLOCK_TOKENS } from "../../../../state/block.ts";
import { floatPages, type PageStore } from "../../shared/page-pool.ts";
import { createKvLevels, fromLevels, type KvLevels, LEVEL_PARAMETERS, toLevels } from "./kv-levels.ts";
import { rotationOrder } from "./rotation-order.ts";

/** Tokens of a block of the operator on CPUs. Source: OpenVINO 2026.4, "CPU: block size must be 32". */
export const PAGED_TOKENS = 32;
/** Its blocks in one of heddle's pages: page p is blocks p·2 and p·2 + 1. */
export const BLOCKS_A_PAGE = BLOCK_TOKENS / PAGED_TOKENS;

/** Keys and values of a stage's layers twice: heddle's pages in f32, and the operator's caches, [blocks, KV, 32, 8 + D] bytes. */
export interface PagedCaches {
  /** Keys of the stage's layer i at 2i, values at 2i + 1. What is put is in both; what is read comes from f32. */
  readonly pages: PageStore;
  readonly levels: readonly KvLevels[];
  readonly dims: readonly number[];
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
  const pageFloats = kvHeads * BLOCK_TOKENS * headDim;
  const pages = Array.from({ length: buffers }, () => new Float32Array(pageCapacity * pageFloats));
  const floats = floatPages(pages, pageFloats);
  const levels = Array.from({ length: buffers }, () => createKvLevels(blocks * kvHeads * PAGED_TOKENS * rowBytes));
  const plain = Int32Array.from({ length: headDim }, (_, at) => at);
  const keys = rotationOrder(spec);
  const inPage = (page: number, head: number, place: number): number => ((page * kvHeads + head) * BLOCK_TOKENS + place) * headDim;
  const inCache = (page: number, head: number, place: number): number => {
    const block = page * BLOCKS_A_PAGE + Math.floor(place / PAGED_TOKENS);
    return ((block * kvHeads + head) * PAGED_TOKENS + (place % PAGED_TOKENS)) * rowBytes;
  };
  return {
    pages: {
      ...floats,
      bytes: floats.bytes + 2 * kvHeads * BLOCK_TOKENS * rowBytes,
      put: (b, page, values) => {
        floats.put(b, page, values);
        const order = b % 2 === 0 ? keys : plain;
        for (let head = 0; head < kvHeads; head++)
          for (let place = 0; place < BLOCK_TOKENS; place++)
            toLevels(pages[b]!, inPage(page, head, place), levels[b]!, inCache(page, head, place), order);
      },
    },
    levels,
    dims: [blocks, kvHeads, PAGED_TOKENS, rowBytes],
    appended: (page, place) => {
      for (let b = 0; b < buffers; b++) {
        const order = b % 2 === 0 ? keys : plain;
        for (let head = 0; head < kvHeads; head++)
          fromLevels(levels[b]!, inCache(page, head, place), pages[b]!, inPage(page, head, place), order);
      }
    },
  };
}
