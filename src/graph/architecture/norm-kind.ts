/** RMS norms have a weight per element, layer norms a bias as well. */
export type NormKind = "rms" | "layer";
