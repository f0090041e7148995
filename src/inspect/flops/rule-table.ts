import type { Expression } from "../../graph/ir/expression.ts";
import type { Graph, Operator } from "../../graph/ir/graph.ts";
import { statedFlops } from "../stated-work.ts";
import { ATEN_FLOPS } from "./aten.ts";
import { CHAKRA_FLOPS } from "./chakra.ts";
import type { FlopRule, FlopRules } from "./flop-rule.ts";
import { HEDDLE_FLOPS } from "./heddle.ts";
import { MICROSOFT_FLOPS } from "./microsoft.ts";
import { ONNX_FLOPS } from "./onnx.ts";

/** Rules by the domain of their operators. */
const FLOPS: Readonly<Record<string, FlopRules>> = {
  heddle: HEDDLE_FLOPS,
  onnx: ONNX_FLOPS,
  "com.microsoft": MICROSOFT_FLOPS,
  aten: ATEN_FLOPS,
  chakra: CHAKRA_FLOPS,
};

/** What a user states goes before a rule. */
export function flopRuleOf({ domain, type, attributes = {} }: Pick<Operator, "domain" | "type"> & Partial<Operator>): FlopRule | undefined {
  const stated = statedFlops({ attributes });
  if (stated !== undefined) return () => stated;
  const rules = Object.hasOwn(FLOPS, domain) ? FLOPS[domain] : undefined;
  return rules !== undefined && Object.hasOwn(rules, type) ? rules[type] : undefined;
}

/** Undefined for an operator without a rule, and where sizes it needs are not known. */
export function flopsOf(graph: Graph, operator: Operator): Expression | undefined {
  return flopRuleOf(operator)?.(graph, operator);
}
