import type { SequenceModel } from "../../../graph/architecture/architecture.ts";
import { imageWork } from "../../../graph/architecture/image-rule.ts";
import type { ImageColumns, RequestColumns } from "../../serving/serving-input.ts";
import { type RequestImage, WORKLOAD_TOKENS_MAX, type WorkloadRequest } from "../workload.ts";
import { workloadInvalid } from "../workload-error.ts";

/** Images of the requests as columns; nothing where none has any. Errors: `workload-invalid` where one name stands for images of two sizes. */
export function imageColumns(requests: readonly WorkloadRequest[]): Pick<RequestColumns, "images"> {
  if (requests.every(({ images }) => images === undefined)) return {};
  const start = new Int32Array(requests.length + 1);
  const all: RequestImage[] = [];
  for (const [i, { images = [] }] of requests.entries()) {
    for (const image of images) all.push(image);
    start[i + 1] = all.length;
  }
  const known = new Map<string, { readonly content: number; readonly image: RequestImage }>();
  let contents = 0;
  const content = Int32Array.from(all, (image) => {
    if (image.name === undefined) return contents++;
    const before = known.get(image.name);
    if (before === undefined) {
      known.set(image.name, { content: contents, image });
      return contents++;
    }
    if (before.image.width !== image.width || before.image.height !== image.height)
      throw workloadInvalid({ field: "images" }, `${image.name} is the hash of images of two sizes`);
    return before.content;
  });
  return {
    images: { start, width: Int32Array.from(all, ({ width }) => width), height: Int32Array.from(all, ({ height }) => height), content },
  };
}

/**
 * The requests with the tokens that a model makes of their images, which stand behind the text; the same where they have none.
 *
 * Errors: `workload-invalid` where the model reads no images, or a prompt becomes too long.
 */
export function withImageTokens(
  columns: RequestColumns,
  { images: rule, family }: Pick<SequenceModel, "images" | "family">,
): RequestColumns {
  const { images, count } = columns;
  if (images === undefined) return columns;
  if (rule === undefined)
    throw workloadInvalid({ field: "images" }, `requests have images, and how a model of ${family} reads any is not known`);
  const total = images.width.length;
  const tokens = new Int32Array(total);
  const patches = new Int32Array(total);
  for (let k = 0; k < total; k++) {
    const work = imageWork(rule, images.width[k]!, images.height[k]!);
    tokens[k] = work.tokens;
    patches[k] = work.patches;
  }
  const promptTokens = Int32Array.from(columns.promptTokens);
  for (let i = 0; i < count; i++) {
    for (let k = images.start[i]!; k < images.start[i + 1]!; k++) promptTokens[i]! += tokens[k]!;
    if (promptTokens[i]! > WORKLOAD_TOKENS_MAX)
      throw workloadInvalid({ field: "images" }, `a prompt has ${promptTokens[i]} tokens with its images, at most ${WORKLOAD_TOKENS_MAX}`);
  }
  return { ...columns, promptTokens, images: { ...images, work: { tokens, patches } } };
}

/** How many different images there are. */
export function imageContents({ content }: ImageColumns): number {
  return content.reduce((most, one) => Math.max(most, one + 1), 0);
}
