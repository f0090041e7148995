import type { TimeHeap } from "../../base/heap.ts";
import type { IntDeque } from "../../base/int-deque.ts";
import type { BatchShape, VisionShape } from "../../cost/iteration/iteration-cost.ts";
import type { EncoderCache } from "../../engine/serving/encoder-cache.ts";

/** Replicas that encode images and do nothing else: what they have to do, and what has come of each image. */
export interface EncodeStage {
  readonly lanes: readonly EncodeLane[];
  /** Lanes by the end of the batch they encode. */
  readonly ends: TimeHeap<number>;
  /** By request: images that are not encoded yet; -1: none was asked for. By image: its request, and the replica that encoded it. */
  readonly left: Int32Array;
  readonly requestOf: Int32Array;
  readonly source: Int32Array;
  /** By request: images on their way to its replica, and what is believed to be cached of its prompt there. */
  readonly coming: Int32Array;
  readonly cached: Int32Array;
  /** Lane of the next image. */
  turn: number;
}

export interface EncodeLane {
  /** Of the replica. */
  readonly index: number;
  readonly batchTokens: number;
  readonly imagesMost: number;
  readonly cache: EncoderCache;
  /** Images by number. */
  readonly queue: IntDeque;
  readonly batch: number[];
  readonly shape: BatchShape & { readonly vision: VisionShape };
  busy: boolean;
}
