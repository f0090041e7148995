import type { Operator } from "../graph/ir/graph.ts";
import { workOf } from "./operator-work.ts";
import type { Survey } from "./survey.ts";
import { NO_WORK, workAt } from "./work.ts";

/** Chunks that operators without a scope are put into. */
const CHUNKS = 12;
/** Scopes have fewer levels than this. */
const MAX_DEPTH = 12;

/**
 * Scopes of a graph's operators, finest first; later ones are shorter, for graphs that would fall into too many parts.
 *
 * Model: a configuration's graph says exactly which part an operator belongs to. A file's operators go by the names exporters gave them; where those
 * say nothing, runs of operators in the order of the graph make chunks of about equal operations.
 */
export function* groupableScopes(survey: Survey): Generator<readonly string[]> {
  const { operators } = survey.graph;
  const own = operators.map(({ scope }) => scope);
  if (operators.every(({ domain }) => domain === "heddle")) {
    yield own;
    return;
  }
  const chunks = chunksOf(survey);
  const parts = own.map((scope) => scope.split(".").filter((part) => part !== ""));
  const deepest = parts.reduce((most, list) => Math.min(MAX_DEPTH, Math.max(most, list.length)), 1);
  for (let depth = deepest; depth >= 1; depth--) {
    yield parts.map((list, id) => (list.length === 0 ? chunks[id]! : cutAt(list, depth).join(".")));
  }
  yield chunks;
}

/** The first parts of a scope; a number stays with the name before it. */
function cutAt(parts: readonly string[], depth: number): readonly string[] {
  let end = Math.min(depth, parts.length);
  while (end < parts.length && /^\d+$/.test(parts[end]!)) end++;
  return parts.slice(0, end);
}

function chunksOf(survey: Survey): readonly string[] {
  const { operators } = survey.graph;
  const weights = operators.map((operator) => weightOf(survey, operator));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let before = 0;
  const chunks = weights.map((weight) => {
    const chunk = total > 0 ? Math.min(CHUNKS - 1, Math.floor((before / total) * CHUNKS)) : 0;
    before += weight;
    return chunk;
  });
  // What a loader runs stands often at the front of a file; it belongs to what reads it first.
  const readers = new Map<number, number>();
  for (let at = operators.length - 1; at >= 0; at--) {
    const operator = operators[at]!;
    const reader = survey.folded.has(operator) ? operator.outputs.map((id) => (id === undefined ? undefined : readers.get(id))) : [];
    chunks[at] = reader.find((chunk) => chunk !== undefined) ?? chunks[at]!;
    for (const id of operator.inputs) if (id !== undefined) readers.set(id, chunks[at]!);
  }
  return chunks.map((chunk) => `part.${chunk + 1}`);
}

function weightOf(survey: Survey, operator: Operator): number {
  const { flops } = workAt(workOf(survey.graph, operator, survey) ?? NO_WORK, survey.sizes);
  return Number.isFinite(flops) && flops > 0 ? flops : 0;
}
