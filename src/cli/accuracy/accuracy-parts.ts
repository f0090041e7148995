import type { AccuracyPart } from "./accuracy-part.ts";
import { CLAIMS } from "./claims-part.ts";
import { COLLECTIVES, DISPATCH, TRANSFERS } from "./network-part.ts";
import { OPERATORS } from "./operators-part.ts";
import { POWER } from "./power-part.ts";
import { RECORDED_RUN } from "./recorded-part.ts";
import { SERVED_MODELS } from "./served-part.ts";
import { SHEET_RUN } from "./sheet-run-part.ts";
import { TILE_MODEL } from "./tile-part.ts";
import { TRANSFER } from "./transfer-part.ts";

/** Kinds of prediction that are held against measurements, in the order of the page. */
export const ACCURACY_PARTS: readonly AccuracyPart[] = [
  RECORDED_RUN,
  SHEET_RUN,
  SERVED_MODELS,
  OPERATORS,
  TILE_MODEL,
  TRANSFER,
  COLLECTIVES,
  DISPATCH,
  TRANSFERS,
  POWER,
  CLAIMS,
];
