import { createHash } from "node:crypto";
import { HeddleError } from "../base/heddle-error.ts";
import type { GangMember } from "../execute/dataflow/stage-work.ts";
import { segmentSource } from "../execute/gang/load-rank.ts";
import type { DecoderSpec } from "../graph/decoder/spec.ts";
import { createGraphBuilder, type GraphBuilder } from "../graph/ir/build-graph.ts";
import { constant, type Expression, symbol } from "../graph/ir/expression.ts";
import type { Graph, TensorId } from "../graph/ir/graph.ts";
import type { GangProgram, GangSegment } from "../graph/program/gang-program.ts";
import type { Program } from "../graph/program/program.ts";
import { portSpec } from "./port-specs.ts";
import type { GraphState, RunnableGraph } from "./sdk-types.ts";

/** What is split over ranks stands once a rank, under the name with the rank behind it: `k.0@1`. */
export function ofRank(name: string, rank: number): string {
  return `${name}@${rank}`;
}

export interface DecoderGang {
  readonly spec: DecoderSpec;
  readonly programs: readonly GangProgram[];
  readonly contextLength: number;
  readonly logits: "last" | "all";
}

/**
 * A decoder's ranks as a graph that a rack can run: an operator a rank (`rank.0` …, which pins name), keys and values of each rank's own heads as states,
 * logits from rank 0.
 */
export function gangGraph({ spec, programs, contextLength, logits }: DecoderGang): RunnableGraph {
  const names = Array.from({ length: spec.layers }, (_unused, layer) => [`k.${layer}`, `v.${layer}`]).flat();
  const width = (spec.kvHeads / programs.length) * spec.headDim;
  const graph = ranksGraph(spec, { names, width, size: programs.length, tokens: logits === "last" ? constant(1) : symbol("T") });
  const states = programs.flatMap((_program, rank) =>
    names.map((name): GraphState => {
      const [input, output] = [ofRank(name, rank), ofRank(`${name}.rows`, rank)];
      return { name: input, type: "f32", access: "append", input, output, dims: [0, width], capacity: contextLength };
    }),
  );
  const own = new Set(states.flatMap(({ input, output }) => [input, output]));
  const ports = (ids: readonly TensorId[]) => ids.map((id) => portSpec(graph, id)).filter(({ name }) => !own.has(name));
  return {
    name: spec.name,
    program: programOfRanks(graph, programs),
    source: segmentSource(programs[0]!.steps.find((step) => step.type === "segment")!),
    inputs: ports(graph.inputs),
    outputs: ports(graph.outputs),
    states,
    gang: programs.map((program, rank): GangMember => {
      const split = names.flatMap((name) => [name, `${name}.rows`]);
      return { program, names: Object.fromEntries(split.map((name) => [ofRank(name, rank), name])) };
    }),
  };
}

interface Split {
  readonly names: readonly string[];
  readonly width: number;
  readonly size: number;
  /** Rows of logits. */
  readonly tokens: Expression;
}

function ranksGraph(spec: DecoderSpec, { names, width, size, tokens }: Split): Graph {
  const builder = createGraphBuilder();
  const ids = ["tokens", "positions"].map((name) => builder.tensor({ name, type: "i64", shape: [symbol("T")], origin: "input" }));
  const outputs = [builder.tensor({ name: "logits", type: "f32", shape: [tokens, constant(spec.vocabulary)], origin: "activation" })];
  const inputs = [...ids];
  for (let rank = 0; rank < size; rank++) {
    const given = names.map((name) => rowsOf(builder, { name: ofRank(name, rank), count: "P", width, origin: "input" }));
    const made = names.map((name) => rowsOf(builder, { name: ofRank(`${name}.rows`, rank), count: "T", width, origin: "activation" }));
    builder.operator({
      name: `rank.${rank}`,
      type: "Rank",
      domain: "heddle.gang",
      inputs: [...ids, ...given],
      outputs: rank === 0 ? [...outputs, ...made] : made,
      attributes: { rank, size },
      accesses: [],
      scope: `rank.${rank}`,
    });
    inputs.push(...given);
    outputs.push(...made);
  }
  return builder.build({ name: spec.name, source: `${size} ranks`, inputs, outputs });
}

function rowsOf(
  builder: GraphBuilder,
  {
    name,
    count,
    width,
    origin,
  }: { readonly name: string; readonly count: string; readonly width: number; readonly origin: "input" | "activation" },
): TensorId {
  return builder.tensor({ name, type: "f32", shape: [symbol(count), constant(width)], origin });
}

function programOfRanks(graph: Graph, programs: readonly GangProgram[]): Program {
  let fingerprint: string | undefined;
  return {
    name: graph.name,
    graph,
    get fingerprint() {
      fingerprint ??= sumOf(programs);
      return fingerprint;
    },
    stage: () => {
      throw new HeddleError("graph-invalid", { where: graph.name, detail: "the ranks of a gang run together; none is a stage of its own" });
    },
  };
}

function sumOf(programs: readonly GangProgram[]): string {
  const hash = createHash("sha256");
  const segments = programs.flatMap(({ steps }) => steps.filter((step): step is GangSegment => step.type === "segment"));
  for (const { model } of segments) {
    hash.update(model.model);
    for (const { data } of model.weights) hash.update(data);
  }
  return hash.digest("hex");
}
