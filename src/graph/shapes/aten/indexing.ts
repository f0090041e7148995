import { add, ceilDivide, constant, constantOf, type Expression, equal, subtract } from "../../ir/expression.ts";
import { broadcast } from "../broadcast.ts";
import { type Fact, factOf } from "../fact.ts";
import { greater, isAtLeast, isNegative, lesser, ZERO } from "../size-arithmetic.ts";
import { type AtenCall, type AtenRule, axisIn, each, likeFirst, type RuleTable, replaced, type Shape } from "./call.ts";

/** Larger bounds mean "to the end". */
const END = Number.MAX_SAFE_INTEGER;

/** Elements from start to end; bounds below 0 count from the end, bounds outside are moved to it. Source: torch.Tensor indexing, aten::slice. */
function sliced(call: AtenCall, shape: Shape): { readonly axis: number; readonly size: Expression } {
  const axis = axisIn(call, shape, call.number("dim", 0));
  const size = shape[axis] ?? call.fail("a scalar has no parts");
  const step = call.number("step", 1);
  if (!(step >= 1)) call.fail(`steps of ${step}`);
  const from = bounded(call.has("start") ? call.size("start") : ZERO, size);
  const to = bounded(call.has("end") ? call.size("end") : size, size);
  if (from === undefined || to === undefined) return { axis, size: call.fresh("sliced") };
  const span = subtract(to, from);
  const length = isAtLeast(to, from) || equal(to, size) ? span : greater(ZERO, span);
  return { axis, size: step === 1 ? length : ceilDivide(length, constant(step)) };
}

function bounded(bound: Expression | undefined, size: Expression): Expression | undefined {
  if (bound === undefined || equal(bound, size)) return bound;
  const known = constantOf(bound);
  if (known !== undefined && known >= END) return size;
  if (isNegative(bound)) return greater(ZERO, add(size, bound));
  return lesser(bound, size);
}

const slice: AtenRule = (call) => {
  const x = call.fact("self");
  if (x?.shape === undefined) return [x];
  const { axis, size } = sliced(call, x.shape);
  return [factOf(x.type, replaced(x.shape, axis, size))];
};

/** As the first tensor; what is put in must be as large as the part it replaces. */
const sliceScatter: AtenRule = (call) => {
  const [x, src] = [call.fact("self"), call.fact("src")];
  if (x?.shape !== undefined && src?.shape !== undefined) {
    const { axis, size } = sliced(call, x.shape);
    replaced(x.shape, axis, size).forEach((each, at) => {
      call.same(each, src.shape![at], "what is put in");
    });
  }
  return likeFirst(call);
};

const select: AtenRule = (call) => {
  const x = call.fact("self");
  if (x?.shape === undefined) return [x];
  const axis = axisIn(call, x.shape, call.number("dim", 0));
  const [index, size] = [call.size("index"), x.shape[axis] ?? call.fail("a scalar has no parts")];
  const [at, count] = [index && constantOf(index), constantOf(size)];
  if (at !== undefined && count !== undefined && (at >= count || at < -count)) call.fail(`place ${at} of ${count}`);
  return [
    factOf(
      x.type,
      x.shape.filter((_, each) => each !== axis),
    ),
  ];
};

const narrow: AtenRule = (call) => {
  const x = call.fact("self");
  const length = call.size("length");
  if (x?.shape === undefined || length === undefined) return [x && factOf(x.type, undefined)];
  return [factOf(x.type, replaced(x.shape, axisIn(call, x.shape, call.number("dim", 0)), length))];
};

/** Indices stand for the dimensions from the first on; where they are not side by side, what they pick comes first. */
const index: AtenRule = (call) => {
  const x = call.fact("self");
  const indices = call.facts("indices");
  if (x?.shape === undefined) return [x];
  if (indices.length > x.shape.length) call.fail(`${indices.length} indices for ${x.shape.length} dimensions`);
  const picked: Expression[][] = [];
  const axes: number[] = [];
  let axis = 0;
  for (const each of indices) {
    if (each === undefined) axis++;
    else if (each.shape === undefined) return [factOf(x.type, undefined)];
    // A mask stands for as many dimensions as it has, and picks a number that only a run tells.
    else if (each.type === "bool" || each.type === "u8") {
      picked.push([call.fresh("masked")]);
      for (const _ of each.shape) axes.push(axis++);
    } else {
      picked.push([...each.shape]);
      axes.push(axis++);
    }
  }
  if (axis > x.shape.length) call.fail("masks of more dimensions than the tensor");
  const together = broadcast(picked) ?? call.fail("indices do not broadcast");
  const isSideBySide = axes.every((each, at) => at === 0 || each === axes[at - 1]! + 1);
  const rest = x.shape.filter((_, at) => !axes.includes(at));
  const front = isSideBySide ? (axes[0] ?? 0) : 0;
  return [factOf(x.type, [...rest.slice(0, front), ...together, ...rest.slice(front)])];
};

const indexSelect: AtenRule = (call) => {
  const [x, places] = [call.fact("self"), call.fact("index")];
  if (x?.shape === undefined || places?.shape === undefined) return [x && factOf(x.type, undefined)];
  return [factOf(x.type, replaced(x.shape, axisIn(call, x.shape, call.number("dim", 0)), places.shape[0] ?? constant(1)))];
};

const gather: AtenRule = (call) => [call.fact("self") && factOf(call.fact("self")!.type, call.fact("index")?.shape)];

/** Shapes: [rows, width] by [places...] → [places..., width]. */
const embedding: AtenRule = (call) => {
  const [weight, indices] = [call.fact("weight"), call.fact("indices")];
  if (weight?.shape !== undefined && weight.shape.length !== 2) call.fail(`a table of ${weight.shape.length} dimensions`);
  return [factOf(weight?.type ?? "unknown", weight?.shape && indices?.shape && [...indices.shape, weight.shape[1]!])];
};

const nonzero: AtenRule = (call) => {
  const shape = call.first?.shape;
  return [factOf("i64", shape && [call.fresh("nonzero"), constant(shape.length)])];
};

const oneHot: AtenRule = (call) => {
  const classes = call.number("num_classes", -1);
  const shape = call.first?.shape;
  return [factOf("i64", shape && [...shape, classes >= 0 ? constant(classes) : call.fresh("classes")])];
};

function picked(call: AtenCall, size: Expression | undefined): readonly (Fact | undefined)[] {
  const x = call.first;
  const shape = x?.shape && size && (x.shape.length === 0 ? [] : replaced(x.shape, axisIn(call, x.shape, call.number("dim", -1)), size));
  return [factOf(x?.type ?? "unknown", shape), factOf("i64", shape)];
}

const sort: AtenRule = (call) => {
  const [x] = likeFirst(call);
  return [x, factOf("i64", x?.shape)];
};

const diagonal: AtenRule = (call) => {
  const x = call.fact("self");
  if (x?.shape === undefined || call.number("offset", 0) !== 0) return [x && factOf(x.type, undefined)];
  const [a, b] = [axisIn(call, x.shape, call.number("dim1", 0)), axisIn(call, x.shape, call.number("dim2", 1))];
  if (a === b || x.shape.length < 2) call.fail("a diagonal needs two dimensions");
  return [factOf(x.type, [...x.shape.filter((_, at) => at !== a && at !== b), lesser(x.shape[a]!, x.shape[b]!)])];
};

export const INDEXING: RuleTable = {
  ...each("slice slice_copy", slice),
  slice_scatter: sliceScatter,
  ...each("select select_copy", select),
  narrow,
  index,
  index_select: indexSelect,
  gather,
  embedding,
  ...each("index_put index_copy index_add index_fill scatter scatter_add scatter_reduce select_scatter _unsafe_index_put", likeFirst),
  ...each("diagonal_scatter", likeFirst),
  _unsafe_index: index,
  nonzero,
  masked_select: (call) => [factOf(call.first?.type ?? "unknown", [call.fresh("selected")])],
  one_hot: oneHot,
  topk: (call) => picked(call, call.size("k")),
  sort,
  argsort: (call) => [factOf("i64", call.first?.shape)],
  ...each("diagonal diagonal_copy", diagonal),
};
