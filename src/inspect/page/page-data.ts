import { parameterCount, quantity } from "../../base/quantity.ts";
import type { Graph } from "../../graph/ir/graph.ts";
import { launchesOf } from "../classify/launches.ts";
import { type RackReading, sizesOf, stageName } from "../classify/rack-reading.ts";
import { type Figures, figuresOf } from "../figures.ts";
import { type Inspection, textsOf, type WorkText } from "../inspection.ts";
import { workOf } from "../operator-work.ts";
import { stageGroupsOf } from "../stage-groups.ts";
import { surveyOf } from "../survey.ts";
import { type Drawing, modelDrawing, stageDrawing } from "./drawing.ts";

/** Everything the page shows: plain data without dates, so that equal models and racks give equal bytes. */
export interface PageData {
  readonly version: 1;
  readonly name: string;
  /** Label and text of what is true of the whole model. */
  readonly facts: readonly (readonly [string, string])[];
  readonly notes: readonly string[];
  readonly phases: readonly PagePhase[];
  readonly groups: readonly PageGroup[];
  /** In the order of the graph. */
  readonly operators: readonly PageOperator[];
  /** Distinct works of operators. */
  readonly works: readonly PageWork[];
  readonly drawings: { readonly stages: Drawing; readonly model: Drawing };
  /** Undefined where no rack was given. */
  readonly rack: RackReading | undefined;
  /** Where every operator was placed, on a page of a placement. */
  readonly placement?: PagePlacement;
}

export interface PagePlacement {
  /** Devices with work. */
  readonly devices: readonly string[];
  /** By operator of the graph: place in `devices`. */
  readonly operators: readonly number[];
  /** The run it was made for: place in `phases`. */
  readonly phase: number;
  /** What the placement is worth, in lines. */
  readonly lines: readonly string[];
}

export interface PagePhase {
  readonly name: string;
  readonly text: string;
}

export interface PageGroup {
  /** Of the group where it has several parts, else of the part. */
  readonly name: string;
  readonly count: number;
  readonly parameters: number;
  readonly operators: number;
  /** Of one part. */
  readonly work: WorkText;
  /** Of all parts, in the order of the phases. */
  readonly figures: readonly Figures[];
}

/** Name, kind and place in `works`; -1 where no rule says what it does. */
export type PageOperator = readonly [name: string, type: string, work: number];

export interface PageWork {
  readonly text: WorkText;
  readonly figures: readonly Figures[];
  /** By phase. */
  readonly launches: readonly number[];
}

/** All that a page shows of a graph, laid out; with devices where a rack was read, with a placement where one was searched. */
export function pageDataOf(graph: Graph, inspection: Inspection, rack: RackReading | undefined, placement?: PagePlacement): PageData {
  const groups = stageGroupsOf(graph, sizesOf(inspection));
  return {
    version: 1,
    name: inspection.name,
    facts: factsOf(inspection, graph),
    notes: [...(placement?.lines ?? []), ...inspection.notes],
    phases: inspection.phases.map(({ name, text }) => ({ name, text })),
    groups: inspection.groups.map(({ count, parameters, work, figures }, index) => {
      const group = groups[index]!;
      return { name: stageName(group), count, parameters, operators: group.operators.length, work, figures };
    }),
    ...operatorsOf(graph, inspection),
    drawings: { stages: stageDrawing(graph, groups), model: modelDrawing(graph, groups) },
    rack,
    ...(placement === undefined ? {} : { placement }),
  };
}

function factsOf({ family, parameters, type, kvType, weightBytes, state }: Inspection, graph: Graph): PageData["facts"] {
  const { total, active } = parameters;
  const facts: [string, string][] = [
    ["kind", family],
    ["parameters", active === undefined ? parameterCount(total) : `${parameterCount(total)}, ${parameterCount(active)} a token`],
    ["weights", `${quantity(weightBytes, "B")} as ${type}`],
    ["operators", String(graph.operators.length)],
  ];
  if (state.bytesPerSequence > 0) {
    facts.push([
      "state",
      `${state.bytesPerToken} B a token as ${kvType}, ${quantity(state.bytesPerSequence, "B")} at ${state.context} tokens`,
    ]);
  }
  return facts;
}

/** Layers repeat one another: equal works are kept once. */
function operatorsOf(graph: Graph, inspection: Inspection): Pick<PageData, "operators" | "works"> {
  const survey = surveyOf(graph, sizesOf(inspection));
  const { phases } = inspection;
  const works: PageWork[] = [];
  const known = new Map<string, number>();
  const operators = graph.operators.map((operator): PageOperator => {
    const work = workOf(graph, operator, survey);
    if (work === undefined) return [operator.name, operator.type, -1];
    const text = textsOf(work);
    const launches = phases.map(({ sizes }) => launchesOf(survey, operator, sizes));
    const key = [...Object.values(text), ...launches].join("\n");
    const place = known.get(key) ?? works.length;
    if (place === works.length) {
      known.set(key, place);
      works.push({ text, figures: phases.map(({ sizes }) => figuresOf(work, sizes)), launches });
    }
    return [operator.name, operator.type, place];
  });
  return { operators, works };
}
