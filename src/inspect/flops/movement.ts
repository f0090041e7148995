import type { Operator } from "../../graph/ir/graph.ts";

/** How the operators of one domain move data, beside what all do: read every input and write every output. */
export interface Movement {
  /** Give another name or shape to bytes that stay where they are. */
  readonly views: ReadonlySet<string>;
  /** Places of inputs of which no more is read than is given out: rows of a table, a slice. */
  readonly selected: Readonly<Record<string, readonly number[]>>;
  /** Places of tables with a row a position, of which the rows of the run's tokens are read. */
  readonly positions: Readonly<Record<string, readonly number[]>>;
  /** Give something else at every run. */
  readonly random: ReadonlySet<string>;
}

const ONNX: Movement = {
  views: new Set(["Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Shape", "Size", "Dropout"]),
  selected: { Gather: [0], GatherElements: [0], GatherND: [0], Slice: [0] },
  positions: { RotaryEmbedding: [1, 2] },
  random: new Set(["RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"]),
};

/** Source: ONNX Runtime, docs/ContribOperators.md. */
const MICROSOFT: Movement = {
  views: new Set(),
  selected: { EmbedLayerNormalization: [2, 3, 4], GatherND: [0] },
  positions: { RotaryEmbedding: [2, 3], GroupQueryAttention: [7, 8] },
  random: new Set(["Sampling", "BitmaskDropout"]),
};

const MOVEMENTS: Readonly<Record<string, Movement>> = { onnx: ONNX, "com.microsoft": MICROSOFT };

function movementOf({ domain }: Operator): Movement | undefined {
  return Object.hasOwn(MOVEMENTS, domain) ? MOVEMENTS[domain] : undefined;
}

function placesIn(places: Readonly<Record<string, readonly number[]>> | undefined, type: string): readonly number[] {
  return places !== undefined && Object.hasOwn(places, type) ? (places[type] ?? []) : [];
}

export function isView(operator: Operator): boolean {
  return movementOf(operator)?.views.has(operator.type) === true;
}

export function selectedPlaces(operator: Operator): readonly number[] {
  return placesIn(movementOf(operator)?.selected, operator.type);
}

export function positionPlaces(operator: Operator): readonly number[] {
  return placesIn(movementOf(operator)?.positions, operator.type);
}

/** Whether a loader may run it where nothing it reads depends on a run. */
export function foldsAway(operator: Operator): boolean {
  const movement = movementOf(operator);
  return movement !== undefined && !movement.random.has(operator.type) && operator.bodies === undefined && operator.accesses.length === 0;
}
