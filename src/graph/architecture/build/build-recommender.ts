import type { GraphBuilder } from "../../ir/build-graph.ts";
import { constant, type Expression, symbol } from "../../ir/expression.ts";
import { BATCH, type DataType, type TensorId } from "../../ir/graph.ts";
import type { Recommender } from "../recommender.ts";
import { operate, type Site, weight } from "./site.ts";

/** Perceptron of the dense features, tables, dot products of all pairs, perceptron of those. */
export function buildRecommender(graph: GraphBuilder, model: Recommender, type: DataType): { inputs: TensorId[]; outputs: TensorId[] } {
  const batch = symbol(BATCH);
  const at = (scope: string): Site => ({ graph, scope, type, kvType: type, items: batch, length: constant(1), norm: "layer" });
  const dense = graph.tensor({ name: "dense", type, shape: [batch, constant(model.bottom[0]!)], origin: "input" });
  const inputs = [dense];
  const features = [perceptron(at("bottom"), model.bottom, dense)];
  for (const [index, { rows, lookups }] of model.tables.entries()) {
    const site = at(`tables.${index}`);
    const ids = graph.tensor({ name: `tables.${index}.ids`, type: "i64", shape: [batch, constant(lookups)], origin: "input" });
    inputs.push(ids);
    const shape: readonly Expression[] = [batch, constant(model.width)];
    const table = weight(site, "table", [rows, model.width]);
    features.push(operate(site, "EmbeddingBag", { name: "rows", inputs: [table, ids], shape, attributes: { lookups } }));
  }
  const interaction = operate(at("interaction"), "PairwiseDot", {
    name: "dots",
    inputs: features,
    shape: [batch, constant(model.top[0]!)],
    attributes: { features: features.length, width: model.width },
  });
  return { inputs, outputs: [perceptron(at("top"), model.top, interaction)] };
}

function perceptron(site: Site, sizes: readonly number[], x: TensorId): TensorId {
  let made = x;
  for (let i = 1; i < sizes.length; i++) {
    const [inputs, outputs] = [sizes[i - 1]!, sizes[i]!];
    const name = `product-${i - 1}`;
    const weights = [weight(site, name, [outputs, inputs]), weight(site, `${name}-bias`, [outputs])];
    made = operate(site, "Linear", { name, inputs: [made, ...weights], shape: [site.items, constant(outputs)] });
  }
  return made;
}
