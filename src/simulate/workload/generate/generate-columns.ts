import { type Prng, seededPrng } from "../../../base/prng.ts";
import { NS_PER_S } from "../../../base/units.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { createColumnBuilder } from "../columns/column-builder.ts";
import { createPrefixNames, NO_PREFIX } from "../columns/prefix-names.ts";
import { workloadInvalid } from "../workload-error.ts";
import { adapterLaw, drawAdapters } from "./adapter-draw.ts";
import { arrivalsOf } from "./arrivals.ts";
import { closedColumns } from "./closed-loop.ts";
import { GENERATED_ROWS_MAX, prefixOf, secondsOf, tooMany } from "./generated-bounds.ts";
import { GENERATED_FORMS, isGenerated } from "./generated-forms.ts";
import { drawImages, imageLaw } from "./image-draw.ts";
import { type LengthPair, type PairDraw, pairDraw } from "./pair-draw.ts";
import { sessionColumns } from "./sessions.ts";
import { type SpecFields, specFields } from "./spec.ts";

/** Longest block that shared prefixes are cut into. Units: tokens. */
const BLOCK_MAX = 64;
const BLOCK = 16;

export interface GenerateOptions {
  /** Rows whose (prompt, output) pairs are drawn with repetition, instead of `prompt` and `output` of the text. */
  readonly lengths?: RequestColumns;
}

/**
 * The requests of a text such as `gamma:rate=2,cv=3,…`; the same on every platform. Lengths are `500`, `50-600` or `lognormal:mean:cv`.
 *
 * Errors: `workload-invalid` naming the field.
 */
export function generateColumns(text: string, options: GenerateOptions = {}): RequestColumns {
  if (!isGenerated(text)) throw workloadInvalid({}, `a generated workload starts with ${Object.keys(GENERATED_FORMS).join(":, ")}:`);
  const spec = specFields(text, GENERATED_FORMS[text.slice(0, text.indexOf(":"))]!);
  const seed = spec.whole("seed", { least: 0, most: 4_294_967_295, otherwise: 1 });
  const prng = seededPrng(seed);
  const adapters = adapterLaw(spec, seed);
  const images = imageLaw(spec, seed);
  if (images !== undefined && (spec.kind === "sessions" || spec.kind === "agents"))
    throw workloadInvalid({ field: "images" }, `are not drawn for ${spec.kind}: which of them later turns hold is not known`);
  const draw = pairDraw(spec, options.lengths);
  const columns =
    spec.kind === "closed"
      ? closedColumns(spec, draw, prng)
      : spec.kind === "sessions" || spec.kind === "agents"
        ? sessionColumns(spec, draw, prng)
        : openColumns(spec, draw, prng);
  if (columns.count === 0) throw workloadInvalid({ field: "seconds" }, "no request arrives within it; raise it or the rate");
  const drawn = images === undefined ? columns : drawImages(columns, images);
  return adapters === undefined ? drawn : drawAdapters(drawn, adapters);
}

function openColumns(spec: SpecFields, draw: PairDraw, prng: Prng): RequestColumns {
  const { next, rateMax } = arrivalsOf(spec);
  const endNs = secondsOf(spec, rateMax) * NS_PER_S;
  const prefix = prefixOf(spec, "prefix");
  spec.finish();
  const blockTokens = prefix === undefined ? BLOCK : blockOf(prefix.tokens);
  const names = createPrefixNames();
  const builder = createColumnBuilder();
  const pair: LengthPair = { promptTokens: 1, outputTokens: 1 };
  for (let time = next(0, prng); time < endNs; time = next(time, prng)) {
    draw(prng, pair);
    if (prefix !== undefined) {
      const group = prng.nextBelow(prefix.groups);
      let name = NO_PREFIX;
      for (let end = blockTokens; end <= Math.min(prefix.tokens, pair.promptTokens); end += blockTokens) {
        name = names.name(name, group);
        builder.addBlock(name);
      }
    }
    if (builder.count === GENERATED_ROWS_MAX) throw tooMany();
    builder.add({ atNs: Math.round(time), promptTokens: pair.promptTokens, outputTokens: pair.outputTokens });
  }
  return builder.columns(blockTokens);
}

/** Length of the blocks that prefixes of `tokens` tokens are cut into: a multiple of 16, so that at most 15 tokens of a prefix are not in one. */
function blockOf(tokens: number): number {
  const whole = tokens - (tokens % BLOCK);
  for (let parts = 1; parts * BLOCK <= whole; parts++) {
    if (whole % parts === 0 && (whole / parts) % BLOCK === 0 && whole / parts <= BLOCK_MAX) return whole / parts;
  }
  return BLOCK;
}
