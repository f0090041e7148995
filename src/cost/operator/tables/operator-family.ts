import type { OperatorQuery } from "../operator-query.ts";
import type { DeviceRates } from "./device-rates.ts";
import type { KernelKind } from "./kernel.ts";

/**
 * How the measurements of one kind of operator lie: tables (types and whatever else is never interpolated), in them sites (shapes, such as one (n, k)),
 * and along each site a curve over one axis (such as m). Curves are interpolated along the axis; a shape that was not measured gets its curve from the
 * sites near it.
 */
export interface OperatorFamily<Q extends OperatorQuery> {
  /** Shown in reports, such as `product`. */
  readonly name: string;
  /** What a table holds alone; also shown in reports, such as `bf16`. */
  table(query: Q): string;
  site(query: Q): string;
  /** Place of a site; 1 is an octave of the size that matters most. */
  coordinates(query: Q): readonly number[];
  /** Place along the curve, in octaves. */
  axis(query: Q): number;
  /** Sites that are held out together. */
  group(query: Q): string;
  /** Time on an ideal device, roughly: what is interpolated is the logarithm of measured over this. Units: ns. */
  baseNs(query: Q, rates: DeviceRates): number;
  readonly kernel: KernelKind;
}

/** Octaves over which two sites differ in kind as much as they ever do; found on the H100 tables, medians change by less than 0.1 points from 4 to 16. */
export const LENGTH_OCTAVES = 8;
/** Variance of a measurement against that between far sites. */
export const NOISE_VARIANCE = 0.003;
