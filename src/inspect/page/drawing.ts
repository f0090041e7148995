import type { Graph, OperatorId } from "../../graph/ir/graph.ts";
import { readBy } from "../../graph/ir/read-by.ts";
import { tensorUsesOf } from "../classify/crossing.ts";
import { stageName } from "../classify/rack-reading.ts";
import type { StageGroup } from "../stage-groups.ts";
import type { Edge } from "./layout/node.ts";
import { type Gaps, place } from "./layout/place.ts";

/** Sizes in units of the drawing; about a pixel where it is shown at its own size. */
export const OPERATOR_WIDTH = 132;
export const OPERATOR_HEIGHT = 30;
export const BOX_HEADER = 26;
const BOX_PADDING = 14;
/** A box is as wide as its name needs, up to a limit. */
const NAME_CHARACTER = 9.2;
const NAME_WIDTH_MAX = 340;
const OPERATOR_GAPS: Gaps = { across: 16, down: 24, column: 40, foldedFrom: 16 };
const BOX_GAPS: Gaps = { across: 48, down: 44, column: 80, foldedFrom: 3 };

/** Boxes of stages with their operators inside, placed. Lists run over boxes, operators and edges. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly DrawnBox[];
  /** Of the graph. */
  readonly operators: readonly OperatorId[];
  /** Box, left and upper edge of each operator. */
  readonly box: readonly number[];
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Places in `operators`, from and to in turn. */
  readonly edges: readonly number[];
  /** Places in `boxes`, from and to in turn; an edge back is one too. */
  readonly boxEdges: readonly number[];
}

export interface DrawnBox {
  readonly name: string;
  /** Place in the groups of the inspection. */
  readonly group: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly operators: number;
}

export interface DrawnPart {
  readonly name: string;
  readonly group: number;
  readonly operators: readonly OperatorId[];
}

/** Every part of the model in a box of its own, in the order of the graph. */
export function modelDrawing(graph: Graph, groups: readonly StageGroup[]): Drawing {
  const parts = groups.flatMap(({ parts: own }, group) =>
    own.map(({ scope, operators }): DrawnPart => ({ name: scope, group, operators })),
  );
  parts.sort((a, b) => (a.operators[0] ?? 0) - (b.operators[0] ?? 0));
  return drawingOf(parts, edgesOf(graph));
}

/** One box a stage group: the first of its parts stands for all. Edges join groups of which any two parts are joined. */
export function stageDrawing(graph: Graph, groups: readonly StageGroup[]): Drawing {
  const parts = groups.map((stage, group): DrawnPart => {
    const { count, operators } = stage;
    const often = count > 1 ? `${count} × ` : "";
    return { name: `${often}${stageName(stage)}`, group, operators: operators.map(({ id }) => id) };
  });
  const groupOf = new Map<OperatorId, number>();
  for (const [group, { parts: own }] of groups.entries())
    for (const { operators } of own) for (const id of operators) groupOf.set(id, group);
  const edges = edgesOf(graph);
  return drawingOf(
    parts,
    edges,
    edges.map(([from, to]): Edge => [groupOf.get(from)!, groupOf.get(to)!]),
  );
}

/** From the maker of every tensor to its readers; each pair once. */
function edgesOf(graph: Graph): readonly Edge[] {
  const { producer } = tensorUsesOf(graph);
  return graph.operators.flatMap((operator, id) => {
    const makers = new Set(readBy(operator).map((tensor) => producer.get(tensor)));
    return [...makers].filter((maker) => maker !== undefined && maker !== id).map((maker): Edge => [maker!, id]);
  });
}

function drawingOf(parts: readonly DrawnPart[], all: readonly Edge[], between?: readonly Edge[]): Drawing {
  const placeOf = new Map(parts.flatMap(({ operators }) => operators).map((id, index) => [id, index]));
  const partOf = new Map(parts.flatMap(({ operators }, part) => operators.map((id) => [id, part] as const)));
  const edges = all.filter(([from, to]) => placeOf.has(from) && placeOf.has(to));
  const inner = parts.map((): Edge[] => []);
  const local = new Map(parts.flatMap(({ operators }) => operators.map((id, index) => [id, index] as const)));
  for (const [from, to] of edges) {
    if (partOf.get(from) === partOf.get(to)) inner[partOf.get(from)!]!.push([local.get(from)!, local.get(to)!]);
  }
  const insides = parts.map(({ operators }, part) => {
    const sizes = operators.map(() => ({ width: OPERATOR_WIDTH, height: OPERATOR_HEIGHT }));
    return place(sizes, inner[part]!, OPERATOR_GAPS);
  });
  const sizes = insides.map(({ width, height }, part) => ({
    width: Math.max(width + 2 * BOX_PADDING, Math.min(NAME_WIDTH_MAX, (parts[part]!.name.length + 3) * NAME_CHARACTER)),
    height: height + 2 * BOX_PADDING + BOX_HEADER,
  }));
  const boxEdges = distinct(between ?? edges.map(([from, to]): Edge => [partOf.get(from)!, partOf.get(to)!]), parts.length);
  const outside = place(sizes, boxEdges, BOX_GAPS);
  const rounded = (value: number): number => Math.round(value);
  return {
    width: rounded(outside.width),
    height: rounded(outside.height),
    boxes: parts.map(({ name, group, operators }, part) => ({
      name,
      group,
      x: rounded(outside.x[part]!),
      y: rounded(outside.y[part]!),
      width: rounded(sizes[part]!.width),
      height: rounded(sizes[part]!.height),
      operators: operators.length,
    })),
    operators: parts.flatMap(({ operators }) => operators),
    box: parts.flatMap(({ operators }, part) => operators.map(() => part)),
    x: insides.flatMap((inside, part) => inside.x.map((x) => rounded(outside.x[part]! + (sizes[part]!.width - inside.width) / 2 + x))),
    y: insides.flatMap((inside, part) => inside.y.map((y) => rounded(outside.y[part]! + BOX_PADDING + BOX_HEADER + y))),
    edges: edges.flatMap(([from, to]) => [placeOf.get(from)!, placeOf.get(to)!]),
    boxEdges: boxEdges.flat(),
  };
}

function distinct(edges: readonly Edge[], count: number): readonly Edge[] {
  const seen = new Set<number>();
  return edges.filter(([from, to]) => {
    const key = from * count + to;
    if (from === to || seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
