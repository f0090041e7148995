import type { OperatorQuery } from "../operator-query.ts";
import { DECODES, PREFILLS } from "./families/attention.ts";
import { EXPERTS } from "./families/experts.ts";
import { LATENT_DECODES, LATENT_PREFILLS } from "./families/latent-attention.ts";
import { PRODUCTS } from "./families/product.ts";
import type { OperatorFamily } from "./operator-family.ts";

/** The family a query belongs to; undefined for what tables do not price (streams and communication). */
export function familyOf(query: OperatorQuery): OperatorFamily<OperatorQuery> | undefined {
  switch (query.op) {
    case "product":
      return PRODUCTS as OperatorFamily<OperatorQuery>;
    case "prefill-attention":
      return PREFILLS as OperatorFamily<OperatorQuery>;
    case "decode-attention":
      return DECODES as OperatorFamily<OperatorQuery>;
    case "latent-attention":
      return (query.phase === "prefill" ? LATENT_PREFILLS : LATENT_DECODES) as OperatorFamily<OperatorQuery>;
    case "experts":
      return EXPERTS as OperatorFamily<OperatorQuery>;
    default:
      return undefined;
  }
}
