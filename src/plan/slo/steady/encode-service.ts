import { type BatchShape, emptyBatch, emptyVision } from "../../../cost/iteration/iteration-cost.ts";
import type { ImageProfile } from "../image-profile.ts";
import type { ReplicaDesign, ReplicaModel } from "../slo-problem.ts";
import type { WorkloadProfile } from "../workload-profile.ts";

const shape: BatchShape & { readonly vision: ReturnType<typeof emptyVision> } = { ...emptyBatch(), vision: emptyVision() };

/** The workload's images where a design encodes them itself. */
export function encodedHere({ encoder }: ReplicaDesign, { images }: WorkloadProfile): ImageProfile | undefined {
  return encoder === undefined ? undefined : images;
}

/** Images that a replica has to encode, of so many: what was encoded before is found. */
export function notFound({ foundShare }: ImageProfile, images: number): number {
  return images * (1 - foundShare);
}

/** Time to encode so many mean images at once; in between of whole numbers where they are a mean themselves. Units: ns. */
export function encodeNs(cost: ReplicaModel["cost"], { one }: ImageProfile, images: number): number {
  const whole = Math.floor(images);
  const part = images - whole;
  return (1 - part) * wholeNs(cost, one, whole) + (part === 0 ? 0 : part * wholeNs(cost, one, whole + 1));
}

function wholeNs(cost: ReplicaModel["cost"], one: ImageProfile["one"], images: number): number {
  if (images === 0) return 0;
  shape.vision.images = images;
  shape.vision.patches = images * one.patches;
  shape.vision.patchSquares = images * one.patchSquares;
  shape.vision.tokens = images * one.tokens;
  return cost.iterationNs(shape);
}
