import { must } from "../../base/assert.ts";
import { type EncoderCache, encoderCache, type ImageCounts } from "../../engine/serving/encoder-cache.ts";
import type { RequestImages } from "../../engine/serving/request-table.ts";
import { imageContents } from "../workload/columns/image-columns.ts";
import type { ReplicaSettings, RequestColumns, ServingOutcome } from "./serving-input.ts";
import type { ServingRun } from "./serving-state.ts";

/** Images of the requests behind their text; with roles split, of the rows that compute prompts. Nothing where none has any. */
export function requestImages({ images, count, promptTokens }: RequestColumns, rows: number): { readonly images?: RequestImages } {
  if (images === undefined) return {};
  const { tokens, patches } = must(images.work, "images have a model's tokens");
  const start = new Int32Array(rows + 1).fill(images.start[count]!);
  start.set(images.start);
  const at = new Int32Array(tokens.length);
  for (let i = 0; i < count; i++) {
    let end = promptTokens[i]!;
    for (let k = start[i + 1]! - 1; k >= start[i]!; k--) {
      end -= tokens[k]!;
      at[k] = end;
    }
  }
  return { images: { start, at, tokens, patches, content: images.content, held: new Uint8Array(tokens.length) } };
}

/** What a replica keeps of images; nothing where no request has any, and on replicas that decode alone. */
export function encoderOf({ encoder, role }: ReplicaSettings, { images }: RequestColumns): { readonly encoder?: EncoderCache } {
  if (images === undefined || encoder === undefined || role === "decode" || role === "encode") return {};
  const { batchTokens, cacheTokens, apart = false } = encoder;
  return { encoder: encoderCache({ capacity: cacheTokens, batchTokens, apart, contents: imageContents(images) }) };
}

/** What happened to images on all replicas that encode; nothing where no request has any. */
export function imageSums({ replicas, encoding }: Pick<ServingRun, "replicas" | "encoding">): Pick<ServingOutcome, "images"> {
  const apart = encoding?.lanes.map(({ cache }) => cache.counts);
  const all = apart ?? replicas.flatMap(({ encoder }) => encoder?.counts ?? []);
  if (all.length === 0) return {};
  const sum = (of: keyof ImageCounts): number => all.reduce((total, counts) => total + counts[of], 0);
  return { images: { encoded: sum("encoded"), tokens: sum("tokens"), found: sum("found") } };
}
