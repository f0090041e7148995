import type { RequestSizes } from "../../plan/slo/workload-profile.ts";
import type { RequestColumns } from "../serving/serving-input.ts";

/** Sizes of requests, with the leading tokens that an earlier one had too. Requests of closed loops come when others end: their arrivals say nothing. */
export function requestSizes(requests: RequestColumns): RequestSizes {
  const { count, arrivalNs, promptTokens, outputTokens, blockStart, blockIds, blockTokens } = requests;
  const sharedTokens = new Int32Array(count);
  const seen = new Set<number>();
  for (let i = 0; i < count; i++) {
    const from = blockStart[i]!;
    const end = blockStart[i + 1]!;
    let at = from;
    while (at < end && seen.has(blockIds[at]!)) at++;
    // The last token of a prompt is computed in any case.
    sharedTokens[i] = Math.min((at - from) * blockTokens, promptTokens[i]! - 1);
    for (; at < end; at++) seen.add(blockIds[at]!);
  }
  const { images } = requests;
  const illustrated = images?.work && { images: { start: images.start, content: images.content, ...images.work } };
  return { count, arrivalNs, promptTokens, outputTokens, sharedTokens, ...illustrated };
}
