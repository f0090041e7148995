import { assert } from "../../base/assert.ts";
import { TimeHeap } from "../../base/heap.ts";
import { emptyIntDeque, peekFront, popFront, pushBack } from "../../base/int-deque.ts";
import { emptyBatch, emptyVision } from "../../cost/iteration/iteration-cost.ts";
import { DECISION, recordDecision } from "../../engine/serving/decision-log.ts";
import { addImage, encoderCache, readImage, unreadImage } from "../../engine/serving/encoder-cache.ts";
import { imageContents } from "../workload/columns/image-columns.ts";
import type { EncodeLane, EncodeStage } from "./encode-stage-types.ts";
import type { ServingInput } from "./serving-input.ts";
import type { ServingRun } from "./serving-state.ts";

/** The stage of an input with replicas of role encode and requests with images; undefined in others. */
export function encodeStage({ requests, replicas }: ServingInput): EncodeStage | undefined {
  const { images, count } = requests;
  const own = [...replicas.keys()].filter((index) => replicas[index]!.role === "encode");
  if (images === undefined || own.length === 0) return undefined;
  const contents = imageContents(images);
  const requestOf = new Int32Array(images.content.length);
  for (let i = 0; i < count; i++) requestOf.fill(i, images.start[i], images.start[i + 1]);
  return {
    lanes: own.map((index): EncodeLane => {
      const { encoder, maxSequences } = replicas[index]!;
      assert(encoder !== undefined, "a replica that encodes has an encoder", index);
      const { batchTokens, cacheTokens } = encoder;
      return {
        index,
        batchTokens,
        imagesMost: maxSequences,
        cache: encoderCache({ capacity: cacheTokens, batchTokens, apart: false, contents }),
        queue: emptyIntDeque(),
        batch: [],
        shape: { ...emptyBatch(), vision: emptyVision() },
        busy: false,
      };
    }),
    ends: new TimeHeap<number>(),
    left: new Int32Array(count).fill(-1),
    requestOf,
    source: new Int32Array(requestOf.length).fill(-1),
    coming: new Int32Array(count),
    cached: new Int32Array(count),
    turn: 0,
  };
}

/** Whether a request's images have to be encoded before it is sent to a replica. */
export function isEncodedFirst({ encoding, input }: ServingRun, request: number): boolean {
  if (encoding === undefined || request >= input.requests.count || encoding.left[request] === 0) return false;
  const { start } = input.requests.images!;
  return start[request + 1]! > start[request]!;
}

/**
 * Deals a request's images to the replicas that encode, one after the other.
 *
 * Source: examples/online_serving/disaggregated_encoder of vllm-project/vllm (its proxy makes a job of each image and takes encoders in turn); lmsys.org blog
 * 2026-01-12 (SGLang divides a request's images evenly).
 */
export function dealImages(run: ServingRun, request: number, nowNs: number, ready: (request: number, nowNs: number) => void): void {
  const encoding = run.encoding!;
  const { start } = run.input.requests.images!;
  assert(encoding.left[request] === -1, "a request's images are dealt once", request);
  encoding.left[request] = start[request + 1]! - start[request]!;
  const first = encoding.turn;
  for (let image = start[request]!; image < start[request + 1]!; image++) {
    pushBack(encoding.lanes[encoding.turn]!.queue, image);
    encoding.turn = (encoding.turn + 1) % encoding.lanes.length;
  }
  const dealt = Math.min(encoding.lanes.length, start[request + 1]! - start[request]!);
  for (let k = 0; k < dealt; k++) startBatch(run, (first + k) % encoding.lanes.length, nowNs, ready);
}

/** Begins what an idle replica can encode at once: images in the order they came, as many as its budget and its room hold. */
function startBatch(run: ServingRun, lane: number, nowNs: number, ready: (request: number, nowNs: number) => void): void {
  const encoding = run.encoding!;
  const { index, batchTokens, imagesMost, cache, queue, batch, shape, busy } = encoding.lanes[lane]!;
  if (busy) return;
  const { tokens, patches } = run.input.requests.images!.work!;
  const { content } = run.input.requests.images!;
  const { vision } = shape;
  Object.assign(vision, emptyVision());
  let left = batchTokens;
  const done: number[] = [];
  while (queue.size > 0 && batch.length < imagesMost) {
    const image = peekFront(queue);
    const own = tokens[image]!;
    const there = cache.there[content[image]!]! > 0;
    if (!there && (own > left || cache.read + own > cache.capacity)) break;
    popFront(queue);
    const request = encoding.requestOf[image]!;
    const waits = there && batch.some((other) => content[other] === content[image]);
    readImage(cache, content[image]!, own);
    recordDecision(run.context.log, DECISION.encode, index, request, nowNs, there ? 0 : own);
    if (there && !waits) {
      unreadImage(cache, content[image]!);
      encoding.source[image] = index;
      done.push(image);
      continue;
    }
    if (!there) {
      left -= own;
      addImage(vision, own, patches[image]!);
    }
    batch.push(image);
  }
  if (batch.length > 0) {
    const serving = run.lanes[index]!;
    serving.startNs = nowNs;
    encoding.lanes[lane]!.busy = true;
    encoding.ends.push(nowNs + Math.max(1, Math.round(serving.cost.iterationNs(shape) * serving.factor + serving.overheadNs)), lane);
  }
  for (const image of done) encoded(run, image, nowNs, ready);
}

/** The batch that ends next is encoded: requests whose last image it held go on, and the replica takes its next one. */
export function finishBatch(run: ServingRun, nowNs: number, ready: (request: number, nowNs: number) => void): void {
  const encoding = run.encoding!;
  const lane = encoding.ends.pop()!;
  const { index, cache, batch, shape } = encoding.lanes[lane]!;
  const serving = run.lanes[index]!;
  serving.busyNs += nowNs - serving.startNs;
  run.input.onIteration?.(index, serving.startNs, nowNs, shape, 0, 0);
  run.replicas[index]!.steps += 1;
  encoding.lanes[lane]!.busy = false;
  const { content } = run.input.requests.images!;
  const ended = batch.splice(0);
  for (const image of ended) {
    unreadImage(cache, content[image]!);
    encoding.source[image] = index;
  }
  startBatch(run, lane, nowNs, ready);
  for (const image of ended) encoded(run, image, nowNs, ready);
}

function encoded(run: ServingRun, image: number, nowNs: number, ready: (request: number, nowNs: number) => void): void {
  const encoding = run.encoding!;
  const request = encoding.requestOf[image]!;
  encoding.left[request]! -= 1;
  if (encoding.left[request] === 0) ready(request, nowNs);
}
