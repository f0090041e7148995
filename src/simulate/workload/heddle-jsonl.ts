import { NS_PER_MS } from "../../base/units.ts";
import { IMAGE_SIDE_MAX } from "../../graph/architecture/image-rule.ts";
import { BLOCK_TOKENS } from "../../state/block.ts";
import { shown, timeField, tokensField } from "./number-field.ts";
import { HASH_BLOCK_TOKENS, hashIdsField } from "./shared-field.ts";
import { jsonObject, type TextLine } from "./text-lines.ts";
import { type NamedAdapter, REQUEST_IMAGES_MAX, type RequestImage, type SharedPrefix, type WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

const FIELDS = [
  "at_ms",
  "prompt_tokens",
  "output_tokens",
  "hash_ids",
  "hash_block_tokens",
  "prefix_group",
  "prefix_tokens",
  "adapter",
  "adapter_rank",
  "images",
];
const IMAGE_FIELDS = ["width", "height", "hash"];
const GROUP_NAME_MAX = 200;
const RANK_MAX = 4096;

/**
 * One request of a workload file of ours: `at_ms`, `prompt_tokens`, `output_tokens`, and what its prompt shares with others: either `hash_ids` (of
 * `hash_block_tokens` tokens each, 512 where absent) or `prefix_group` with `prefix_tokens`; `adapter` (its name) and `adapter_rank` where it is served with one; `images` behind the
 * text, each with `width`, `height` and, where others are equal to it, their `hash`.
 *
 * Errors: `workload-invalid` with line and field, also for a field it does not know.
 */
export function heddleRequest(row: TextLine): WorkloadRequest {
  const { line } = row;
  const fields = jsonObject(row);
  for (const field of Object.keys(fields)) {
    if (!FIELDS.includes(field)) throw workloadInvalid({ line, field: shown(field) }, `is not known; known are ${FIELDS.join(", ")}`);
  }
  const promptTokens = tokensField(fields["prompt_tokens"], { line, field: "prompt_tokens" });
  const shared = sharedOf(fields, promptTokens, line);
  const adapter = adapterOf(fields, line);
  const images = imagesOf(fields["images"], line);
  return {
    atNs: timeField(fields["at_ms"], { line, field: "at_ms" }, NS_PER_MS),
    promptTokens,
    outputTokens: tokensField(fields["output_tokens"], { line, field: "output_tokens" }),
    ...(shared === undefined ? {} : { shared }),
    ...(adapter === undefined ? {} : { adapter }),
    ...(images === undefined ? {} : { images }),
  };
}

/** A request as one line of such a file; `heddleRequest` of it gives an equal one. */
export function writeHeddleRequest(request: WorkloadRequest): string {
  const { shared, adapter, images } = request;
  return JSON.stringify({
    at_ms: request.atNs / NS_PER_MS,
    prompt_tokens: request.promptTokens,
    output_tokens: request.outputTokens,
    ...(shared?.type === "blocks" ? { hash_ids: shared.ids, hash_block_tokens: shared.blockTokens } : {}),
    ...(shared?.type === "group" ? { prefix_group: shared.group, prefix_tokens: shared.tokens } : {}),
    ...(adapter === undefined ? {} : { adapter: adapter.name }),
    ...(adapter?.rank === undefined ? {} : { adapter_rank: adapter.rank }),
    ...(images === undefined
      ? {}
      : { images: images.map(({ width, height, name }) => ({ width, height, ...(name === undefined ? {} : { hash: name }) })) }),
  });
}

/** Errors: `workload-invalid` for what is no list of images with a size each. */
function imagesOf(value: unknown, line: number): readonly RequestImage[] | undefined {
  if (value === undefined) return undefined;
  const place = (field: string) => ({ line, field });
  if (!Array.isArray(value) || value.length > REQUEST_IMAGES_MAX)
    throw workloadInvalid(place("images"), `is ${shown(value)}; a list of at most ${REQUEST_IMAGES_MAX} images is meant`);
  const images = value.map((image: unknown, at): RequestImage => {
    const own = `images[${at}]`;
    if (typeof image !== "object" || image === null)
      throw workloadInvalid(place(own), `is ${shown(image)}; a width and a height are meant`);
    const fields = image as Readonly<Record<string, unknown>>;
    for (const field of Object.keys(fields))
      if (!IMAGE_FIELDS.includes(field))
        throw workloadInvalid(place(`${own}.${shown(field)}`), `is not known; known are ${IMAGE_FIELDS.join(", ")}`);
    const side = (field: "width" | "height"): number => {
      const pixels = fields[field];
      if (typeof pixels === "number" && Number.isInteger(pixels) && pixels >= 1 && pixels <= IMAGE_SIDE_MAX) return pixels;
      throw workloadInvalid(place(`${own}.${field}`), `is ${shown(pixels)}; pixels from 1 to ${IMAGE_SIDE_MAX} are meant`);
    };
    const { hash } = fields;
    if (hash !== undefined && (typeof hash !== "string" || hash === "" || hash.length > GROUP_NAME_MAX))
      throw workloadInvalid(place(`${own}.hash`), `a name of at most ${GROUP_NAME_MAX} characters is meant`);
    return { width: side("width"), height: side("height"), ...(hash === undefined ? {} : { name: hash }) };
  });
  return images.length === 0 ? undefined : images;
}

/** Errors: `workload-invalid` for a name or rank that is none, or a rank without a name. */
function adapterOf(fields: Readonly<Record<string, unknown>>, line: number): NamedAdapter | undefined {
  const { adapter: name, adapter_rank: rank } = fields;
  if (name === undefined) {
    if (rank !== undefined) throw workloadInvalid({ line, field: "adapter_rank" }, "says nothing without adapter");
    return undefined;
  }
  if (typeof name !== "string" || name === "" || name.length > GROUP_NAME_MAX)
    throw workloadInvalid({ line, field: "adapter" }, `a name of at most ${GROUP_NAME_MAX} characters is meant`);
  if (rank === undefined) return { name };
  const place = { line, field: "adapter_rank" };
  const read = tokensField(rank, place);
  if (read > RANK_MAX) throw workloadInvalid(place, `is ${read}, at most ${RANK_MAX}`);
  return { name, rank: read };
}

function sharedOf(fields: Readonly<Record<string, unknown>>, promptTokens: number, line: number): SharedPrefix | undefined {
  const group = fields["prefix_group"];
  if (fields["hash_ids"] !== undefined) {
    if (group !== undefined) throw workloadInvalid({ line, field: "prefix_group" }, "stands beside hash_ids; a prompt has one of the two");
    return hashIdsField(fields["hash_ids"], { promptTokens, blockTokens: blockTokensOf(fields, line), line });
  }
  if (group === undefined) {
    for (const field of ["hash_block_tokens", "prefix_tokens"]) {
      if (fields[field] !== undefined) throw workloadInvalid({ line, field }, "says nothing without hash_ids or prefix_group");
    }
    return undefined;
  }
  if (typeof group !== "string" || group.length > GROUP_NAME_MAX) {
    throw workloadInvalid({ line, field: "prefix_group" }, `a name of at most ${GROUP_NAME_MAX} characters is meant`);
  }
  const place = { line, field: "prefix_tokens" };
  const tokens = tokensField(fields["prefix_tokens"], place);
  if (tokens > promptTokens) throw workloadInvalid(place, `is ${tokens}, longer than the prompt of ${promptTokens}`);
  return { type: "group", group, tokens };
}

function blockTokensOf(fields: Readonly<Record<string, unknown>>, line: number): number {
  const place = { line, field: "hash_block_tokens" };
  const tokens = fields["hash_block_tokens"] === undefined ? HASH_BLOCK_TOKENS : tokensField(fields["hash_block_tokens"], place);
  if (tokens % BLOCK_TOKENS !== 0) throw workloadInvalid(place, `is ${tokens}; a multiple of ${BLOCK_TOKENS} is meant`);
  return tokens;
}
