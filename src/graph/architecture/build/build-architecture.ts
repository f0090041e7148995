import { must } from "../../../base/assert.ts";
import { createGraphBuilder } from "../../ir/build-graph.ts";
import type { DataType, Graph, TensorId } from "../../ir/graph.ts";
import type { Architecture, SequenceModel } from "../architecture.ts";
import { buildMtp } from "./build-mtp.ts";
import { buildRecommender } from "./build-recommender.ts";
import { type BuiltStack, buildStack } from "./build-stack.ts";

export interface GraphOptions {
  readonly name: string;
  /** Element type of weights and activations, and of what is kept between runs. */
  readonly type: DataType;
  readonly kvType: DataType;
  /** With the modules that draft further tokens. */
  readonly mtp?: boolean;
}

/**
 * The graph of one run of a model: `tokens` new ones of each of `batch` sequences, `context` of each there after it, `encoded` inputs of
 * its encoders. Operators are of domain `heddle`; what each means stands where `inspect/` counts its work.
 */
export function graphOf(architecture: Architecture, options: GraphOptions): Graph {
  const graph = createGraphBuilder();
  const source = `configuration, ${architecture.family}`;
  const ends =
    architecture.kind === "recommender"
      ? buildRecommender(graph, architecture, options.type)
      : sequence(architecture, { graph, ...options });
  return graph.build({ name: options.name, source, ...ends });
}

type SequenceOptions = GraphOptions & Pick<BuiltStack["site"], "graph">;

function sequence(model: SequenceModel, options: SequenceOptions): { inputs: TensorId[]; outputs: TensorId[] } {
  const inputs: TensorId[] = [];
  let built: BuiltStack | undefined;
  for (const stack of model.stacks) {
    built = buildStack(options, stack, built?.output);
    inputs.push(built.input);
  }
  const last = must(built, "a model has a stack");
  const outputs = [last.output];
  if (options.mtp !== true) return { inputs, outputs };
  let { stream } = last;
  for (const [index, module] of model.mtp.entries()) {
    const drafted = buildMtp(last, must(model.stacks.at(-1), "a model has a stack"), module, { index, stream });
    stream = drafted.stream;
    outputs.push(drafted.output);
  }
  return { inputs, outputs };
}
