/**
 * Quantities with their unit in the type. A plain number may be used where a unit is wanted; two different units may not
 * be mixed without an explicit conversion.
 */
type Unit<U extends string> = number & { readonly __unit?: U };

/** Integer nanoseconds since the start of the run (2^53 ns is 104 days), or a difference of two such instants. */
export type Nanoseconds = Unit<"ns">;
export type Bytes = Unit<"bytes">;
export type BytesPerSecond = Unit<"bytes/s">;
/** Floating-point operations; a multiply-add counts 2. */
export type Flops = Unit<"flop">;
export type FlopsPerSecond = Unit<"flop/s">;
export type Tokens = Unit<"tokens">;
/** A share between 0 and 1, never a percentage. */
export type Ratio = Unit<"ratio">;

export const NS_PER_MS = 1_000_000;
export const NS_PER_S = 1_000_000_000;
