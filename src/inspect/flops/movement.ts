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
  /** Put their last input into their first one; where that is a state, nothing else of it is moved. */
  readonly updates?: ReadonlySet<string>;
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
  selected: { EmbedLayerNormalization: [2, 3, 4], GatherND: [0], GatherBlockQuantized: [0, 2, 3] },
  positions: { RotaryEmbedding: [2, 3], GroupQueryAttention: [7, 8] },
  random: new Set(["Sampling", "BitmaskDropout"]),
};

const ATEN_VIEWS = (
  "view reshape _unsafe_view flatten unflatten squeeze unsqueeze permute transpose t numpy_T mT swapaxes swapdims movedim expand expand_as " +
  "broadcast_to view_as reshape_as slice select narrow split split_with_sizes chunk unbind alias detach lift_fresh lift_fresh_copy as_strided " +
  "diagonal unfold dropout"
).split(" ");

const ATEN_RANDOM = "rand randn randint rand_like randn_like randint_like bernoulli normal uniform random multinomial".split(" ");

/** Names of both forms of an operator: `index_put` and, in place, `index_put_`. */
function bothForms(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => [name, `${name}_`]));
}

/** Source: PyTorch documentation, "Tensor Views". */
const ATEN: Movement = {
  views: bothForms(ATEN_VIEWS),
  selected: { embedding: [0], index_select: [0], index: [0], gather: [0] },
  positions: {},
  random: bothForms(ATEN_RANDOM),
  updates: bothForms("index_put index_copy index_add scatter scatter_add scatter_reduce slice_scatter select_scatter copy".split(" ")),
};

const MOVEMENTS: Readonly<Record<string, Movement>> = { onnx: ONNX, "com.microsoft": MICROSOFT, aten: ATEN };

function movementOf({ domain }: Operator): Movement | undefined {
  return Object.hasOwn(MOVEMENTS, domain) ? MOVEMENTS[domain] : undefined;
}

function placesIn(places: Readonly<Record<string, readonly number[]>> | undefined, type: string): readonly number[] {
  return places !== undefined && Object.hasOwn(places, type) ? (places[type] ?? []) : [];
}

/** Whether the operator only names the same bytes anew: it moves none. */
export function isView(operator: Operator): boolean {
  return movementOf(operator)?.views.has(operator.type) === true;
}

/** Places of inputs of which no more is read than is given out. */
export function selectedPlaces(operator: Operator): readonly number[] {
  return placesIn(movementOf(operator)?.selected, operator.type);
}

/** Places of tables with a row a position, of which the rows of the run's tokens are read. */
export function positionPlaces(operator: Operator): readonly number[] {
  return placesIn(movementOf(operator)?.positions, operator.type);
}

/** Whether the operator puts its last input into its first one. */
export function isUpdate(operator: Operator): boolean {
  return movementOf(operator)?.updates?.has(operator.type) === true;
}

/** Whether a loader may run it where nothing it reads depends on a run. */
export function foldsAway(operator: Operator): boolean {
  const movement = movementOf(operator);
  return movement !== undefined && !movement.random.has(operator.type) && operator.bodies === undefined && operator.accesses.length === 0;
}
