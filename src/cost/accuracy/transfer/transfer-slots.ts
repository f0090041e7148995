import type { ConstantSlot } from "../../operator/physics/constant-slot.ts";

/** Operators whose constants are fitted anew for each device that is left out: those that public tables of several devices have. */
export const TRANSFER_SLOTS: readonly ConstantSlot[] = [
  "product half",
  "product eight",
  "product eightBlock",
  "prefill-attention",
  "decode-attention",
  "latent-attention",
  "experts half",
  "experts eight",
  "experts eightBlock",
  "experts packed",
  "stream",
];

/** Rows of a slot that a fit sees, and evaluations that it may take. */
export const ROWS_PER_SLOT = 250;
export const EVALUATIONS = 250;
