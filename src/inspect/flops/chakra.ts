import { COLLECTIVES, NODE_TYPES } from "../../graph/chakra/chakra-node.ts";
import { constant } from "../../graph/ir/expression.ts";
import { type FlopRules, zero } from "./flop-rule.ts";

/** Operations of nodes of a trace: what a compute node says of itself; communication and memory do none. */
export const CHAKRA_FLOPS: FlopRules = {
  ...Object.fromEntries([...NODE_TYPES, ...COLLECTIVES].map((type) => [type, zero])),
  COMP: (_, { attributes }) => {
    const operations = Number(attributes["num_ops"] ?? Number.NaN);
    return Number.isFinite(operations) && operations >= 0 ? constant(operations) : undefined;
  },
};
