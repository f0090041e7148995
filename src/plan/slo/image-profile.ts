import { quantileOfSorted } from "../../base/statistics.ts";
import type { VisionShape } from "../../cost/iteration/iteration-cost.ts";

/** Images of requests as columns: those of request i are from `start[i]` to `start[i + 1]`; equal `content` is one image. */
export interface ImageSizes {
  readonly start: Int32Array;
  readonly tokens: Int32Array;
  readonly patches: Int32Array;
  readonly content: Int32Array;
}

/** What closed forms know of a workload's images. */
export interface ImageProfile {
  /** Images of a request. */
  readonly mean: number;
  /** Requests of this share have no more images. */
  quantile(share: number): number;
  /** The mean image. */
  readonly one: VisionShape;
  /** Of all images, those that an endless cache would have encoded already. Ratio. */
  readonly foundShare: number;
}

/** Statistics of images; undefined where there are none. */
export function profileImages({ start, tokens, patches, content }: ImageSizes, count: number): ImageProfile | undefined {
  const total = start[count]!;
  if (total === 0) return undefined;
  const counts = Float64Array.from({ length: count }, (_, i) => start[i + 1]! - start[i]!).sort();
  const seen = new Set<number>();
  const sums = { patches: 0, patchSquares: 0, tokens: 0 };
  for (let image = 0; image < total; image++) {
    seen.add(content[image]!);
    sums.patches += patches[image]!;
    sums.patchSquares += patches[image]! * patches[image]!;
    sums.tokens += tokens[image]!;
  }
  return {
    mean: total / count,
    quantile: (share) => quantileOfSorted(counts, share),
    one: { images: 1, patches: sums.patches / total, patchSquares: sums.patchSquares / total, tokens: sums.tokens / total },
    foundShare: 1 - seen.size / total,
  };
}
