import type { DecoderSpec } from "../../../../graph/decoder/spec.ts";
import { BLOCK_TOKENS } from "../../../../state/block.ts";
import { floatPages, type PageStore } from "../../shared/page-pool.ts";
import { createKvLevels, fromLevels, type KvLevels, LEVEL_PARAMETERS, toLevels } from "./kv-levels.ts";
import { rotationOrder } from "./rotation-order.ts";

/** Tokens of a block of the operator on CPUs. Source: OpenVINO 2026.4, "CPU: block size must be 32". */
export const PAGED_TOKENS = 32;
/** Its blocks in one of heddle's pages: page p is blocks p·2 and p·2 + 1. */
export const BLOCKS_A_PAGE = BLOCK_TOKENS / PAGED_TOKENS;

export interface CacheRoom {
  readonly layers: number;
  readonly pageCapacity: number;
  /** Whether pages lie in f32 as well: where prompts have a graph, which reads them so. */
  readonly twin: boolean;
}

/** Keys and values of a stage's layers in the operator's caches, [blocks, KV, 32, 8 + D] bytes; in f32 beside them where they are to be read so. */
export interface PagedCaches {
  /** Keys of the stage's layer i at 2i, values at 2i + 1. With a twin, what is put is in both, and what is read comes from f32. */
  readonly pages: PageStore;
  readonly levels: readonly KvLevels[];
  readonly dims: readonly number[];
  /** A page behind all others that holds nobody's tokens. */
  readonly spare: number;
  /** Copies one token from the caches to a page's twin, if it has one. */
  appended(page: number, place: number): void;
}

export function createPagedCaches(
  spec: Pick<DecoderSpec, "kvHeads" | "headDim" | "rope">,
  { layers, pageCapacity, twin }: CacheRoom,
): PagedCaches {
  const { kvHeads, headDim } = spec;
  const rowBytes = headDim + LEVEL_PARAMETERS;
  const blocks = (pageCapacity + 1) * BLOCKS_A_PAGE;
  const buffers = layers * 2;
  const pageFloats = kvHeads * BLOCK_TOKENS * headDim;
  const pageBytes = kvHeads * BLOCK_TOKENS * rowBytes;
  const wide = twin ? Array.from({ length: buffers }, () => new Float32Array(pageCapacity * pageFloats)) : undefined;
  const floats = wide && floatPages(wide, pageFloats);
  const levels = Array.from({ length: buffers }, () => createKvLevels(blocks * kvHeads * PAGED_TOKENS * rowBytes));
  const plain = Int32Array.from({ length: headDim }, (_, at) => at);
  const keys = rotationOrder(spec);
  const orderOf = (buffer: number): Int32Array => (buffer % 2 === 0 ? keys : plain);
  const inPage = (head: number, place: number): number => (head * BLOCK_TOKENS + place) * headDim;
  const inCache = (page: number, head: number, place: number): number => {
    const block = page * BLOCKS_A_PAGE + Math.floor(place / PAGED_TOKENS);
    return ((block * kvHeads + head) * PAGED_TOKENS + (place % PAGED_TOKENS)) * rowBytes;
  };
  const places = (each: (head: number, place: number) => void): void => {
    for (let head = 0; head < kvHeads; head++) for (let place = 0; place < BLOCK_TOKENS; place++) each(head, place);
  };
  return {
    pages: {
      buffers,
      bytes: (floats?.bytes ?? 0) + 2 * pageBytes,
      put: (b, page, values) => {
        floats?.put(b, page, values);
        places((head, place) => toLevels(values, inPage(head, place), levels[b]!, inCache(page, head, place), orderOf(b)));
      },
      read: (b, page, to) => {
        if (floats !== undefined) floats.read(b, page, to);
        else places((head, place) => fromLevels(levels[b]!, inCache(page, head, place), to, inPage(head, place), orderOf(b)));
      },
      held: (b, page) => levels[b]!.bytes.subarray(page * pageBytes, (page + 1) * pageBytes),
    },
    levels,
    dims: [blocks, kvHeads, PAGED_TOKENS, rowBytes],
    spare: pageCapacity,
    appended: (page, place) => {
      if (wide === undefined) return;
      for (let b = 0; b < buffers; b++) {
        for (let head = 0; head < kvHeads; head++)
          fromLevels(levels[b]!, inCache(page, head, place), wide[b]!, page * pageFloats + inPage(head, place), orderOf(b));
      }
    },
  };
}
