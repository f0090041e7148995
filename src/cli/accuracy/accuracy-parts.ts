import type { AccuracyPart } from "./accuracy-part.ts";
import { RECORDED_RUN } from "./recorded-part.ts";
import { SHEET_RUN } from "./sheet-run-part.ts";

/** Kinds of prediction that are held against measurements, in the order of the page. */
export const ACCURACY_PARTS: readonly AccuracyPart[] = [RECORDED_RUN, SHEET_RUN];
