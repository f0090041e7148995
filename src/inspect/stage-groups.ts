import { equal } from "../graph/ir/expression.ts";
import type { Graph, Operator, OperatorId } from "../graph/ir/graph.ts";
import { workOf } from "./operator-work.ts";
import { elementsOf } from "./parameters.ts";
import { NO_WORK, sumOf, type Work } from "./work.ts";

/** Parts of a model that do the same work at every size: `layers.*.attention` of the layers it names. */
export interface StageGroup {
  /** The scope with `*` for numbers. */
  readonly scope: string;
  /** First scope of the group; the numbers of all of them. */
  readonly example: string;
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

type Part = Omit<StageGroup, "scope" | "count" | "indices">;

/** Parts in the order of the graph, equal ones together. Parts that look alike but differ in size (windows, dense layers) stay apart. */
export function stageGroupsOf(graph: Graph): readonly StageGroup[] {
  const groups = new Map<string, StageGroup[]>();
  for (const part of partsOf(graph)) {
    const scope = part.example.replace(/\d+/g, "*");
    const alike = groups.get(scope) ?? [];
    groups.set(scope, alike);
    const index = Number(/\d+/.exec(part.example)?.[0] ?? 0);
    const at = alike.findIndex((group) => sameWork(group, part));
    const known = alike[at];
    if (known === undefined) alike.push({ scope, count: 1, indices: [index], ...part });
    else alike[at] = grown(known, part, index);
  }
  return [...groups.values()].flat();
}

function grown(group: StageGroup, part: Part, index: number): StageGroup {
  return { ...group, count: group.count + 1, indices: [...group.indices, index], parameters: group.parameters + part.parameters };
}

function partsOf(graph: Graph): readonly Part[] {
  const byScope = new Map<string, OperatorWork[]>();
  for (const [id, operator] of graph.operators.entries()) {
    const list = byScope.get(operator.scope) ?? [];
    byScope.set(operator.scope, list);
    list.push({ id, operator, work: workOf(graph, operator) });
  }
  const counted = new Set<number>();
  return [...byScope].map(([example, operators]) => ({
    example,
    operators,
    parameters: parametersOf(graph, operators, counted),
    work: sumOf(operators.map(({ work }) => work ?? NO_WORK)),
  }));
}

/** A weight counts where it is used first: a tied table belongs to the embedding. */
function parametersOf(graph: Graph, operators: readonly OperatorWork[], counted: Set<number>): number {
  let sum = 0;
  for (const id of operators.flatMap(({ operator }) => operator.inputs)) {
    const tensor = id === undefined || counted.has(id) ? undefined : graph.tensors[id];
    if (id === undefined || tensor?.origin !== "weight") continue;
    counted.add(id);
    sum += elementsOf(tensor);
  }
  return sum;
}

/** Embedding tables of many sizes do the same work. */
function sameWork(a: Part, b: Part): boolean {
  const same = (field: keyof Work): boolean => equal(a.work[field], b.work[field]);
  return same("flops") && same("weightBytes") && same("stateBytes") && same("activationBytes");
}
