import { must } from "../../../base/assert.ts";
import { constant, minimum, symbol } from "../../ir/expression.ts";
import { CONTEXT, type TensorId } from "../../ir/graph.ts";
import type { Indexer } from "../attention.ts";
import { indexKeyBytes } from "../index-key.ts";
import { elementwise, linear, norm } from "./products.ts";
import { operate, type Site, state } from "./site.ts";

/** The choice of the layer before, which layers without scores of their own take over. */
export interface LastChoice {
  tensor: TensorId | undefined;
}

export interface IndexerInputs {
  readonly x: TensorId;
  /** Queries before they are expanded to heads, and their rank. */
  readonly queryRank: number;
  readonly queries: TensorId;
  readonly width: number;
}

/**
 * Places of the chosen tokens of each position.
 *
 * Model: queries of few heads from the rank that attention's queries come from, one key a token and one weight a head from the stream; scores of all
 * tokens before, of which the largest are chosen. Source: deepseek-ai/DeepSeek-V3.2-Exp, inference/model.py (`Indexer`).
 */
export function buildIndexer(site: Site, { chosen, scores, heads, headDim }: Indexer, inputs: IndexerInputs, last: LastChoice): TensorId {
  if (scores === "shared") return must(last.tensor, "a layer before has made a choice");
  const { x, queries, queryRank, width } = inputs;
  const wide = heads * headDim;
  const q = elementwise(site, "Rotary", "index-q-rotary", [linear(site, "index-q", queries, { inputs: queryRank, outputs: wide })], wide);
  const down = linear(site, "index-k", x, { inputs: width, outputs: headDim });
  const normed = norm({ ...site, norm: "layer" }, "index-k-norm", down, { columns: headDim });
  const key = elementwise(site, "Rotary", "index-k-rotary", [normed], headDim);
  const weights = linear(site, "index-weights", x, { inputs: width, outputs: heads });
  const kept = state({ ...site, kvType: "f8e4m3" }, "kv", [site.items, symbol(CONTEXT), constant(indexKeyBytes(headDim))], "index-kv");
  const choice = operate({ ...site, type: "i32" }, "ChooseTokens", {
    name: "choose",
    inputs: [q, key, weights],
    shape: [site.items, site.length, minimum(symbol(CONTEXT), constant(chosen))],
    attributes: { heads, headDim, mask: "causal" },
    accesses: [
      { state: kept, mode: "append" },
      { state: kept, mode: "read" },
    ],
  });
  last.tensor = choice;
  return choice;
}
