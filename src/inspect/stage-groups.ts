import { type Bindings, textOf } from "../graph/ir/expression.ts";
import type { Body, Graph, Operator, OperatorId, Tensor } from "../graph/ir/graph.ts";
import { workOf } from "./operator-work.ts";
import { parameterCounts } from "./parameters.ts";
import { groupableScopes } from "./scopes.ts";
import { type Survey, surveyOf } from "./survey.ts";
import { boundedWork, NO_WORK, sumOf, type Work } from "./work.ts";

/** Parts of a model that do the same work at every size: `layers.*.attention` of the layers it names. */
export interface StageGroup {
  /** The scope with `*` for numbers. */
  readonly scope: string;
  /** First scope of the group; the numbers of all of them. */
  readonly example: string;
  /** All of them, with what belongs to each. */
  readonly parts: readonly { readonly scope: string; readonly operators: readonly OperatorId[] }[];
  readonly indices: readonly number[];
  readonly count: number;
  /** Of all parts. */
  readonly parameters: number;
  /** Of one part. */
  readonly work: Work;
  readonly operators: readonly OperatorWork[];
}

export interface OperatorWork {
  readonly id: OperatorId;
  readonly operator: Operator;
  /** Undefined where no rule says what it does. */
  readonly work: Work | undefined;
}

type Part = Omit<StageGroup, "scope" | "parts" | "count" | "indices">;

/** More parts than this are no overview: scopes of files are cut to fewer levels until there are no more. */
const MAX_GROUPS = 40;

/**
 * Parts in the order of the graph, equal ones together. Parts that look alike but differ in size (windows, dense layers) stay apart. `sizes` are
 * those at which branches are compared.
 */
export function stageGroupsOf(graph: Graph, sizes: Bindings = {}): readonly StageGroup[] {
  return stageGroupsIn(surveyOf(graph, sizes));
}

/** As `stageGroupsOf`, of a graph that was looked at before. */
export function stageGroupsIn(survey: Survey): readonly StageGroup[] {
  let groups: readonly StageGroup[] = [];
  for (const scopes of groupableScopes(survey)) {
    groups = groupedBy(survey, scopes);
    if (groups.length <= MAX_GROUPS) break;
  }
  return groups;
}

function groupedBy(survey: Survey, scopes: readonly string[]): readonly StageGroup[] {
  const groups = new Map<string, Map<string, Part[]>>();
  for (const part of partsOf(survey, scopes)) {
    const scope = part.example.replace(/\d+/g, "*");
    const alike = groups.get(scope) ?? new Map<string, Part[]>();
    groups.set(scope, alike);
    const key = keyOf(part.work);
    const known = alike.get(key);
    if (known === undefined) alike.set(key, [part]);
    else known.push(part);
  }
  return [...groups].flatMap(([scope, alike]) => [...alike.values()].map((parts) => groupOf(scope, parts)));
}

/** Parts of equal work; the first stands for them. */
function groupOf(scope: string, parts: readonly Part[]): StageGroup {
  const indices = parts.map(({ example }) => Number(/\d+/.exec(example)?.[0] ?? 0));
  const parameters = parts.reduce((sum, part) => sum + part.parameters, 0);
  return { ...parts[0]!, scope, parts: parts.map(partOf), count: parts.length, indices, parameters };
}

function partOf({ example, operators }: Part): StageGroup["parts"][number] {
  return { scope: example, operators: operators.map(({ id }) => id) };
}

function partsOf(survey: Survey, scopes: readonly string[]): readonly Part[] {
  const { graph } = survey;
  const byScope = new Map<string, OperatorWork[]>();
  for (const [id, operator] of graph.operators.entries()) {
    const list = byScope.get(scopes[id]!) ?? [];
    byScope.set(scopes[id]!, list);
    list.push({ id, operator, work: workOf(graph, operator, survey) });
  }
  const left = new Map(parameterCounts(graph));
  return [...byScope].map(([example, operators]) => ({
    example,
    operators,
    parameters: operators.reduce((sum, { operator }) => sum + takenParameters(graph, operator, left), 0),
    work: groupWork(survey, operators),
  }));
}

function groupWork({ sizes }: Survey, operators: readonly OperatorWork[]): Work {
  const sum = sumOf(operators.map(({ work }) => work ?? NO_WORK));
  return operators[0]?.operator.domain === "heddle" ? sum : boundedWork(sum, sizes);
}

/** A weight counts where it is used first: a tied table belongs to the embedding. */
function takenParameters(graph: Graph, { inputs, bodies = [] }: Operator, left: Map<Tensor, number>): number {
  const taken = (tensor: Tensor | undefined): number => {
    const count = (tensor && left.get(tensor)) ?? 0;
    if (tensor !== undefined) left.delete(tensor);
    return count;
  };
  const read = inputs.reduce<number>((sum, id) => sum + taken(id === undefined ? undefined : graph.tensors[id]), 0);
  const inside = ({ graph: body, captures }: Body): number =>
    captures.reduce((sum, { outer }) => sum + taken(graph.tensors[outer]), 0) +
    body.operators.reduce((sum, operator) => sum + takenParameters(body, operator, left), 0);
  return bodies.reduce((sum, body) => sum + inside(body), read);
}

/** Equal for equal work: embedding tables of many sizes do the same. */
function keyOf({ flops, weightBytes, stateBytes, activationBytes }: Work): string {
  return [flops, weightBytes, stateBytes, activationBytes].map(textOf).join("\n");
}
