import type { ActiveConvention, Architecture } from "../graph/architecture/architecture.ts";
import { graphOf } from "../graph/architecture/build/build-architecture.ts";
import { type Bindings, evaluate, textOf } from "../graph/ir/expression.ts";
import { CONTEXT, type DataType, ELEMENT_BYTES, type Graph } from "../graph/ir/graph.ts";
import { addFigures, type Figures, figuresOf } from "./figures.ts";
import type { UnknownReason } from "./operator-work.ts";
import { activeParameters, type Parameters, parametersOf } from "./parameters.ts";
import { type Phase, type PhaseOptions, phasesOf } from "./phases.ts";
import type { SizeUse } from "./run-sizes.ts";
import { type StageGroup, stageGroupsOf } from "./stage-groups.ts";
import { type KeptState, stateSizeOf } from "./state-size.ts";
import type { Work } from "./work.ts";

export interface InspectOptions extends PhaseOptions {
  readonly name: string;
  readonly type: DataType;
  readonly kvType: DataType;
}

/** What a model costs before it is run anywhere: plain data, fit for JSON. Every figure follows from the configuration, or the graph, alone. */
export interface Inspection {
  readonly name: string;
  readonly family: string;
  readonly type: DataType;
  readonly kvType: DataType;
  readonly parameters: Parameters & {
    /** That a token uses; undefined where it uses all. */
    readonly active: number | undefined;
    readonly activeConvention: ActiveConvention | undefined;
    /** Of modules that draft further tokens; not part of `total`. */
    readonly mtp: number;
  };
  readonly weightBytes: number;
  readonly state: InspectedState;
  readonly phases: readonly (Pick<Phase, "name" | "text"> & { readonly sizes: Bindings; readonly total: Figures })[];
  readonly groups: readonly InspectedGroup[];
  readonly notes: readonly string[];
  /** Of a graph that was read from a file: the value of every symbol in its run. */
  readonly sizes?: readonly SizeUse[];
  /** Of a graph that was read from a file: operators that the figures leave out. Empty where they hold all. */
  readonly unknownWork?: readonly UnknownOperators[];
  /** Of a graph that was read from a file: what it keeps from run to run. */
  readonly states?: readonly KeptState[];
}

/** Operators of one kind whose work is unknown. */
export interface UnknownOperators {
  readonly domain: string;
  readonly type: string;
  readonly count: number;
  readonly reason: UnknownReason;
}

export interface InspectedState {
  readonly fixedBytes: number;
  readonly bytesPerToken: number;
  readonly bytesPerLaterToken: number;
  /** Of one sequence at the context of the last phase. */
  readonly bytesPerSequence: number;
  readonly context: number;
  readonly perSequence: string;
}

export interface InspectedGroup extends Pick<StageGroup, "scope" | "count" | "indices"> {
  /** Of all parts of the group, as are the figures; texts and operators are of one part. */
  readonly parameters: number;
  readonly work: WorkText;
  /** In the order of the phases. */
  readonly figures: readonly Figures[];
  readonly operators: readonly {
    readonly name: string;
    readonly type: string;
    readonly work: WorkText;
    readonly figures: readonly Figures[];
  }[];
}

export type WorkText = { readonly [field in keyof Work]: string };

/** Errors: `usage` where prompt or context are longer than the model takes. */
export function inspect(architecture: Architecture, options: InspectOptions): Inspection {
  const { name, type, kvType } = options;
  const graph = graphOf(architecture, { name, type, kvType });
  const phases = phasesOf(architecture, graph, options);
  const groups = stageGroupsOf(graph).map((group) => inspectedGroup(group, phases));
  return {
    name,
    family: architecture.family,
    type,
    kvType,
    parameters: inspectedParameters(architecture, graph, options),
    weightBytes: parametersOf(graph).total * ELEMENT_BYTES[type],
    state: inspectedState(graph, phases),
    phases: phases.map(({ name: phase, text, sizes }, index) => ({
      name: phase,
      text,
      sizes,
      total: addFigures(groups.map(({ figures }) => figures[index]!)),
    })),
    groups,
    notes: architecture.notes,
  };
}

function inspectedParameters(architecture: Architecture, graph: Graph, options: InspectOptions): Inspection["parameters"] {
  if (architecture.kind === "recommender") return { ...parametersOf(graph), active: undefined, activeConvention: undefined, mtp: 0 };
  const counted = parametersOf(
    graph,
    architecture.stacks.slice(0, -1).map(({ prefix }) => prefix),
  );
  const drafting = architecture.mtp.length > 0 ? parametersOf(graphOf(architecture, { ...options, mtp: true })).total - counted.total : 0;
  const { activeConvention } = architecture;
  if (counted.routed === 0) return { ...counted, active: undefined, activeConvention: undefined, mtp: drafting };
  return { ...counted, active: activeParameters(counted, activeConvention), activeConvention, mtp: drafting };
}

export function inspectedState(graph: Graph, phases: readonly Phase[]): InspectedState {
  const { perSequence, ...sizes } = stateSizeOf(graph, phases.at(-1)?.sizes);
  const context = phases.at(-1)?.sizes[CONTEXT] ?? 0;
  return { ...sizes, bytesPerSequence: evaluate(perSequence, { [CONTEXT]: context }), context, perSequence: textOf(perSequence) };
}

export function inspectedGroup(group: StageGroup, phases: readonly Phase[]): InspectedGroup {
  const { scope, count, indices, parameters, work } = group;
  return {
    scope,
    count,
    indices,
    parameters,
    work: textsOf(work),
    figures: phases.map(({ sizes }) => figuresOf(work, sizes, count)),
    operators: group.operators.flatMap((entry) => {
      if (entry.work === undefined) return [];
      const { work: own } = entry;
      const { name, type } = entry.operator;
      return [{ name, type, work: textsOf(own), figures: phases.map(({ sizes }) => figuresOf(own, sizes)) }];
    }),
  };
}

export function textsOf({ flops, weightBytes, stateBytes, activationBytes }: Work): WorkText {
  return {
    flops: textOf(flops),
    weightBytes: textOf(weightBytes),
    stateBytes: textOf(stateBytes),
    activationBytes: textOf(activationBytes),
  };
}
