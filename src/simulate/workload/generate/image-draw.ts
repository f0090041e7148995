import { mix32, seededPrng } from "../../../base/prng.ts";
import { IMAGE_SIDE_MAX } from "../../../graph/architecture/image-rule.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { REQUEST_IMAGES_MAX } from "../workload.ts";
import { workloadInvalid } from "../workload-error.ts";
import { IMAGE_FORM } from "./generated-forms.ts";
import { type SpecFields, specFields, wholeNumber } from "./spec.ts";

/** Which images requests have. */
export interface ImageLaw {
  /** Of a request, all numbers alike; 0: text alone. */
  readonly least: number;
  readonly most: number;
  /** Sizes, all alike. Units: pixels. */
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
  /** Different images there are, all alike; 0: every one is like no other. */
  readonly distinct: number;
  readonly seed: number;
}

const DISTINCT_MAX = 10_000_000;
/** Parts the seed of a workload from that of its images: the same requests with and without. */
const IMAGE_SEED = 0x696d6753;
const IMAGES_MAX = 50_000_000;

/** The law of a generated workload, or undefined where its text has none. Errors: `workload-invalid` naming the field. */
export function imageLaw(spec: SpecFields, seed: number, countField = "images"): ImageLaw | undefined {
  if (!spec.has(countField)) {
    for (const field of ["sizes", "distinct"]) if (spec.has(field)) throw workloadInvalid({ field }, `says nothing without ${countField}`);
    return undefined;
  }
  const [from, to = from, ...more] = spec.text(countField).split("-");
  const bounds = { field: countField, least: 0, most: REQUEST_IMAGES_MAX };
  const [least, most] = [wholeNumber(from ?? "", bounds), wholeNumber(to ?? "", bounds)];
  if (most < least || most === 0 || more.length > 0)
    throw workloadInvalid({ field: countField }, "a number above 0, or two such as 1-4, is meant");
  return {
    least,
    most,
    sizes: (spec.has("sizes") ? spec.text("sizes") : "1024x1024").split(":").map(sizeOf),
    distinct: spec.whole("distinct", { least: 1, most: DISTINCT_MAX, otherwise: 0 }),
    seed,
  };
}

/** The law of a text such as `count=1-4,sizes=640x640`. Errors: `workload-invalid` naming the field. */
export function parseImages(text: string): ImageLaw {
  const spec = specFields(`images:${text}`, IMAGE_FORM);
  if (!spec.has("count")) throw workloadInvalid({ field: "count" }, `is missing; ${IMAGE_FORM} is meant`);
  const law = imageLaw(spec, spec.whole("seed", { least: 0, most: 4_294_967_295, otherwise: 1 }), "count")!;
  spec.finish();
  return law;
}

function sizeOf(text: string): { width: number; height: number } {
  const [, width, height] = /^(\d{1,6})x(\d{1,6})$/.exec(text) ?? [];
  const side = (pixels: string | undefined): number => wholeNumber(pixels ?? "", { field: "sizes", least: 1, most: IMAGE_SIDE_MAX });
  return { width: side(width), height: side(height) };
}

/** The requests with images drawn for them; all else stays as it was. */
export function drawImages(columns: RequestColumns, law: ImageLaw): RequestColumns {
  const { count } = columns;
  const { least, most, sizes, distinct } = law;
  const prng = seededPrng(mix32(law.seed ^ IMAGE_SEED));
  const start = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) start[i + 1] = start[i]! + least + (most > least ? prng.nextBelow(most - least + 1) : 0);
  const total = start[count]!;
  if (!(total >= 0 && total <= IMAGES_MAX)) throw workloadInvalid({ field: "images" }, `gives more than ${IMAGES_MAX} images`);
  // An image's size goes with it: equal images are equally large.
  const ofImage = new Int32Array(distinct > 0 ? distinct : total);
  for (let k = 0; k < ofImage.length; k++) ofImage[k] = sizes.length > 1 ? prng.nextBelow(sizes.length) : 0;
  const content = new Int32Array(total);
  for (let k = 0; k < total; k++) content[k] = distinct > 0 ? prng.nextBelow(distinct) : k;
  const side = (of: "width" | "height"): Int32Array => content.map((image) => sizes[ofImage[image]!]![of]);
  return { ...columns, images: { start, width: side("width"), height: side("height"), content } };
}
