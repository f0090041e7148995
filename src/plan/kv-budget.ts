import { pagesFor } from "../state/block.ts";

/** Share of the memory weights leave that KV takes by default. */
export const KV_SHARE = 0.25;
/** Part of the working pages' size that sealed blocks may take at most: reuse beyond the working set has little left to win on one host. */
const SEALED_PER_WORKING = 2;

/** What the pages of one replica may take of one memory. */
export interface PageRoom {
  /** Bytes of one page that lie in this memory (layers of the replica's stages there). */
  readonly bytesPerPage: number;
  readonly bytes: number;
}

export interface KvBudget {
  readonly workingPages: number;
  readonly sealedSlots: number;
}

/**
 * Splits KV memory into working pages and slots for sealed blocks: working pages first, up to what `maxSequences` of full length need, then slots.
 * `undefined` where not even one sequence fits. `pagesMax` bounds the working pages further, where what computes with them cannot reach more.
 */
export function splitKvMemory(
  rooms: readonly PageRoom[],
  limits: { readonly maxSequences: number; readonly contextLimit: number; readonly pagesMax?: number },
): KvBudget | undefined {
  const pages = rooms.reduce((least, room) => Math.min(least, Math.floor(room.bytes / room.bytesPerPage)), Infinity);
  const single = pagesFor(limits.contextLimit);
  const { pagesMax = Infinity } = limits;
  if (!(Math.min(pages, pagesMax) >= single)) return undefined;
  const wanted = Math.min(single * limits.maxSequences, pagesMax);
  // With little memory a sixth goes to reuse all the same: a shared prefix saves more than a further sequence brings.
  const workingPages = Math.max(single, Math.min(wanted, pages - Math.floor(pages / 6)));
  return { workingPages, sealedSlots: Math.min(pages - workingPages, workingPages * SEALED_PER_WORKING) };
}
