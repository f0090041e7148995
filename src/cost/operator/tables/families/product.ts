import { log2 } from "../../../../base/math.ts";
import type { ProductQuery } from "../../operator-query.ts";
import { productWork } from "../../operator-work.ts";
import { type BaseShares, roughNs } from "../device-rates.ts";
import type { OperatorFamily } from "../operator-family.ts";

/** Source: three-constant fits of public tables, shared reference on simulation, section 5 (bf16: 0.70 to 0.80 of both rates, 2 to 4 µs). */
const SHARES: BaseShares = { compute: 0.8, memory: 0.85, exposed: 0.2, launchNs: 3000 };

/** Dense products: sites are (n, k), curves run over m. */
export const PRODUCTS: OperatorFamily<ProductQuery> = {
  name: "product",
  table: ({ type, blockScaled, weightType }) =>
    `${type}${blockScaled === true ? " block-scaled" : ""}${weightType === undefined ? "" : `, ${weightType} weights`}`,
  site: ({ n, k }) => `${n} ${k}`,
  coordinates: ({ n, k }) => [log2(n), log2(k)],
  axis: ({ m }) => log2(m),
  group: ({ n, k }) => `${n} ${k}`,
  baseNs: (query, rates) => roughNs(productWork(query), rates, SHARES),
  kernel: "rough",
};
