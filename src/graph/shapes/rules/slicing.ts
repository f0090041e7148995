import { add, ceilDivide, constant, constantOf, type Expression, equal, multiply, subtract } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { pickedValue } from "../picked-value.ts";
import { axisOf, type Call, integer, integers, type Rule } from "../rule.ts";
import { greater, isAtLeast, isNegative, lesser, quotientOf, ZERO } from "../size-arithmetic.ts";
import { typeOf } from "./elementwise.ts";
import { listOf } from "./reshaping.ts";

type Bounds = readonly (Expression | undefined)[];

/** Source: ONNX operator spec, Slice: bounds are attributes before operator set 10, inputs since. */
export const slice: Rule = (call) => {
  const [x] = call.inputs;
  if (x?.shape === undefined) return [factOf(typeOf([x]), undefined)];
  const starts = boundsOf(call, "starts", 1);
  const ends = boundsOf(call, "ends", 2);
  const count = starts?.length ?? ends?.length ?? listLength(call.inputs[1]) ?? x.shape.length;
  const isGiven = call.inputs[3] !== undefined || integers(call, "axes") !== undefined;
  const axes = isGiven ? listOf(call, "axes", 3) : Array.from({ length: count }, (_, axis) => axis);
  if (axes === undefined)
    return [
      factOf(
        x.type,
        x.shape.map((_, axis) => call.fresh(`sliced_${axis}`)),
      ),
    ];
  const steps = call.inputs[4] === undefined ? undefined : listOf(call, "steps", 4);
  const cuts = new Map<number, Cut>();
  axes.forEach((given, i) => {
    const axis = axisOf(given, x.shape!.length);
    if (axis !== undefined) cuts.set(axis, { start: starts?.[i], end: ends?.[i], step: call.inputs[4] === undefined ? 1 : steps?.[i] });
  });
  const shape = x.shape.map((size, axis) => {
    const cut = cuts.get(axis);
    return cut === undefined ? size : (lengthOf(size, cut) ?? call.fresh(`sliced_${axis}`));
  });
  return [{ type: x.type, shape, value: pickedValue(x, (axis, count) => placesOf(count, cuts.get(axis) ?? WHOLE)), fill: x.fill }];
};

const WHOLE: Cut = { start: ZERO, end: constant(Number.MAX_SAFE_INTEGER), step: 1 };

function boundsOf(call: Call, attribute: string, input: number): Bounds | undefined {
  return integers(call, attribute)?.map(constant) ?? call.inputs[input]?.value;
}

interface Cut {
  readonly start: Expression | undefined;
  readonly end: Expression | undefined;
  readonly step: number | undefined;
}

/** Elements from start to end. Bounds below 0 count from the end of the axis; bounds outside are moved to its ends. */
function lengthOf(size: Expression, { start, end, step }: Cut): Expression | undefined {
  if (start === undefined || end === undefined || step === undefined || step === 0) return undefined;
  if (step < 0) return backwards(size, start, end, step);
  const from = bounded(start, size);
  const to = bounded(end, size);
  if (from === undefined || to === undefined) return undefined;
  const span = subtract(to, from);
  const length = isAtLeast(to, from) || equal(to, size) ? span : greater(ZERO, span);
  return step === 1 ? length : ceilDivide(length, constant(step));
}

function bounded(bound: Expression, size: Expression): Expression | undefined {
  if (isNegative(bound)) return greater(ZERO, add(size, bound));
  const known = constantOf(bound);
  // Exporters write the greatest number there is for "to the end".
  if (known !== undefined && known >= 0x7fffffff) return size;
  // A sign that is not known is taken for positive only where exporters write it: a difference of sizes.
  if (known === 0 || isAtLeast(bound, ZERO)) return lesser(bound, size);
  return known === undefined ? lesser(bound, size) : undefined;
}

/** Whole axes turned round, and constants; more does not occur. */
function backwards(size: Expression, start: Expression, end: Expression, step: number): Expression | undefined {
  const [first, last, count] = [constantOf(start), constantOf(end), constantOf(size)];
  if (first === undefined || last === undefined) return undefined;
  if (count === undefined) {
    const isWhole = (first === -1 || first >= 0x7fffffff) && last <= -0x7fffffff;
    return isWhole ? ceilDivide(size, constant(-step)) : undefined;
  }
  const from = Math.min(first < 0 ? first + count : first, count - 1);
  const to = last < 0 ? Math.max(last + count, -1) : last;
  return constant(Math.max(0, Math.ceil((from - to) / -step)));
}

/** Places along an axis from start to end; undefined where they are not known. */
function placesOf(count: number, { start, end, step }: Cut): readonly number[] | undefined {
  const [first, last] = [start && constantOf(start), end && constantOf(end)];
  if (first === undefined || last === undefined || step === undefined || step === 0) return undefined;
  const counted = (bound: number): number => (bound < 0 ? bound + count : bound);
  const within = (bound: number, low: number, high: number): number => Math.min(Math.max(bound, low), high);
  const from = step > 0 ? within(counted(first), 0, count) : within(counted(first), 0, count - 1);
  const to = step > 0 ? within(counted(last), 0, count) : within(counted(last), -1, count - 1);
  const places: number[] = [];
  for (let at = from; step > 0 ? at < to : at > to; at += step) places.push(at);
  return places;
}

function listLength(list: Fact | undefined): number | undefined {
  return list?.shape?.length === 1 ? constantOf(list.shape[0]!) : undefined;
}

/** Source: ONNX operator spec, Split: sizes given, or equal parts (the last one smaller since operator set 18). */
export const split: Rule = (call) => {
  const [x] = call.inputs;
  const axis = x?.shape && axisOf(integer(call, "axis", 0), x.shape.length);
  if (x?.shape === undefined || axis === undefined) return Array.from({ length: call.outputs }, () => factOf(typeOf([x]), undefined));
  const size = x.shape[axis]!;
  const given = integers(call, "split")?.map(constant) ?? call.inputs[1]?.value;
  const isOpen = given === undefined && call.inputs[1] !== undefined;
  let start = 0;
  return Array.from({ length: call.outputs }, (_, part) => {
    const length = given?.[part] ?? (isOpen ? undefined : equalPart(size, call.outputs, part)) ?? call.fresh("part");
    const count = constantOf(length);
    const value = count === undefined || x.shape!.length !== 1 ? undefined : x.value?.slice(start, start + count);
    start += count ?? Number.NaN;
    return { type: x.type, shape: x.shape!.map((each, at) => (at === axis ? length : each)), value, fill: x.fill };
  });
};

function equalPart(size: Expression, parts: number, part: number): Expression | undefined {
  const known = constantOf(size);
  const each = known === undefined ? quotientOf([size], [constant(parts)]) : constant(Math.ceil(known / parts));
  if (each === undefined || known === undefined || part < parts - 1) return each;
  return subtract(size, multiply(constant(parts - 1), each));
}
