import { exp, log2, pow } from "../../../../base/math.ts";
import type { ExpertQuery } from "../../operator-query.ts";
import { storedBytes } from "../../stored-bytes.ts";
import { type BaseShares, roughNs } from "../device-rates.ts";
import type { OperatorFamily } from "../operator-family.ts";

/** Source: fits of grouped products, shared reference on simulation, section 5 (0.2 to 0.3 and 0.75 to 0.9 of the rates, 40 µs); the launch grows with experts. */
const SHARES: BaseShares = { compute: 0.5, memory: 0.8, exposed: 0.3, launchNs: 15_000 };
const NS_PER_EXPERT = 40;
const PRODUCTS = 3;
const ACTIVATION_BYTES = 2;
/** Under a power law the experts touched grow more slowly with the rows: share 1 - exp(-0.9 rows^0.75), a shape whose error the tables correct. */
const SKEWED_RATE = 0.9;
const SKEWED_POWER = 0.75;
/** Factors of 2 in inner / tp that kernels tell apart: 16 bytes of 8-bit weights. */
const ALIGNED_BITS = 4;

/**
 * Grouped products of a mixture's experts: sites are (width, inner / tp, active, experts, ep, alignment of inner / tp), curves run over the mean rows of
 * an expert, tokens x active / experts, at which tiles fill alike in all mixtures.
 */
export const EXPERTS: OperatorFamily<ExpertQuery> = {
  name: "experts",
  table: ({ type, blockScaled, weightType, load }) => {
    const types = `${type}${blockScaled === true ? " block-scaled" : ""}${weightType === undefined ? "" : `, ${weightType} weights`}`;
    return `${types}, ${load === "balanced" ? "balanced" : `power law ${load.powerLaw}`}`;
  },
  site: ({ width, inner, active, experts, ranks }) => `${width} ${inner} ${active} ${experts} ${ranks.tensor} ${ranks.expert}`,
  coordinates: ({ width, inner, active, experts, ranks }) => [
    log2(width),
    log2(inner / ranks.tensor),
    0.5 * log2(active),
    log2(experts / ranks.expert),
    0.7 * log2(ranks.expert),
    2 * alignedBits(inner / ranks.tensor),
  ],
  axis: ({ tokens, active, experts }) => log2((tokens * active) / experts),
  group: ({ width, inner, active, experts }) => `${width} ${inner} ${active} ${experts}`,
  baseNs: (query, rates) => {
    const held = query.experts / query.ranks.expert;
    const inner = query.inner / query.ranks.tensor;
    const rows = (query.tokens * query.active) / query.experts;
    const touched = held * (1 - exp(query.load === "balanced" ? -rows : -SKEWED_RATE * pow(rows, SKEWED_POWER)));
    const pairs = rows * held;
    const weights = touched * PRODUCTS * query.width * inner * storedBytes(query.weightType ?? query.type, query.weightGroup);
    const bytes = weights + pairs * (2 * query.width + PRODUCTS * inner) * ACTIVATION_BYTES;
    const ops = 2 * PRODUCTS * pairs * query.width * inner;
    return roughNs({ ops, type: query.type, bytes }, rates, SHARES) + NS_PER_EXPERT * held;
  },
  kernel: "smooth",
};

/** Factors of 2 in a width, 4 at most. */
function alignedBits(width: number): number {
  let bits = 0;
  for (let factor = 2; bits < ALIGNED_BITS && width % factor === 0; factor *= 2) bits += 1;
  return bits;
}
