import type { Bindings } from "../graph/ir/expression.ts";
import { type DataType, ELEMENT_BYTES, type Graph, type Tensor } from "../graph/ir/graph.ts";
import { addFigures } from "./figures.ts";
import { type Inspection, inspectedGroup, inspectedState, type UnknownOperators } from "./inspection.ts";
import { mixtureBindings } from "./mixture-bytes.ts";
import { unknownWorkOf } from "./operator-work.ts";
import { elementsOf, innerWeightsOf, parametersOf } from "./parameters.ts";
import type { Phase } from "./phases.ts";
import { bindingsOf, runSizes, type SizeRanges, type SizeUse } from "./run-sizes.ts";
import { stageGroupsIn } from "./stage-groups.ts";
import { keptStatesOf } from "./state-size.ts";
import { surveyOf } from "./survey.ts";

export interface GraphRun {
  readonly name: string;
  /** Values of symbols of the graph; the others take defaults, which the inspection lists. */
  readonly sizes: Bindings;
  /** Values that symbols may have; those of other symbols are free. */
  readonly ranges?: SizeRanges;
  /** What is to be said of how the graph was read. */
  readonly notes?: readonly string[];
}

/** A graph that was read from a file, in one run at given sizes. Weights are counted as they are stored. */
export function inspectGraph(graph: Graph, run: GraphRun): Inspection {
  const sizes = runSizes(graph, run.sizes, run.ranges);
  const bindings = bindingsOf(sizes);
  const phase: Phase = { name: "run", text: textOfSizes(sizes), sizes: { ...bindings, ...mixtureBindings(graph, bindings) } };
  const survey = surveyOf(graph, phase.sizes);
  const groups = stageGroupsIn(survey).map((group) => inspectedGroup(group, [phase]));
  const weights = [...graph.tensors.filter(({ origin }) => origin === "weight"), ...innerWeightsOf(graph)];
  const type = commonest(weights) ?? commonest(graph.tensors.filter(({ origin }) => origin === "input")) ?? "f32";
  return {
    name: run.name,
    family: graph.source,
    type,
    kvType: graph.states.find(({ kind }) => kind === "kv")?.type ?? graph.states[0]?.type ?? type,
    parameters: { ...parametersOf(graph), active: undefined, activeConvention: undefined, mtp: 0 },
    weightBytes: weights.reduce((sum, tensor) => sum + elementsOf(tensor) * ELEMENT_BYTES[tensor.type], 0),
    state: inspectedState(graph, [phase]),
    phases: [{ name: phase.name, text: phase.text, sizes: phase.sizes, total: addFigures(groups.map(({ figures }) => figures[0]!)) }],
    groups,
    notes: run.notes ?? [],
    sizes,
    unknownWork: counted(unknownWorkOf(survey)),
    states: keptStatesOf(graph, phase.sizes),
  };
}

/** Sizes that only a run tells are listed apart. */
function textOfSizes(sizes: readonly SizeUse[]): string {
  const named = sizes.filter(({ basis }) => basis !== "open");
  return named.length === 0 ? "fixed sizes" : named.map(({ symbol, value }) => `${symbol} ${value}`).join(", ");
}

/** The type in which most bytes are. */
function commonest(tensors: readonly Tensor[]): DataType | undefined {
  const bytes = new Map<DataType, number>();
  for (const tensor of tensors.filter(({ type }) => ELEMENT_BYTES[type] > 0)) {
    const size = tensor.origin === "weight" ? elementsOf(tensor) * ELEMENT_BYTES[tensor.type] : 1;
    bytes.set(tensor.type, (bytes.get(tensor.type) ?? 0) + size);
  }
  return [...bytes].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function counted(unknown: ReturnType<typeof unknownWorkOf>): readonly UnknownOperators[] {
  const counts = new Map<string, UnknownOperators>();
  for (const { operator, reason } of unknown) {
    const { domain, type } = operator;
    const key = `${domain}\n${type}\n${reason}`;
    counts.set(key, { domain, type, reason, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
