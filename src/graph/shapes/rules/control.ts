import { constantOf, type Expression, equal } from "../../ir/expression.ts";
import { type Fact, factOf } from "../fact.ts";
import { axisOf, type Call, integer, integers, type Rule } from "../rule.ts";
import { typeOf } from "./elementwise.ts";

/** Shapes that a loop's turns change settle after this many tries: each makes at least one size unknown. */
const MAX_TURNS = 4;

/** What both branches give; where the condition is known, what its branch gives. Source: ONNX operator spec, If. */
export const choice: Rule = (call) => {
  const yes = call.body("then_branch", []);
  const no = call.body("else_branch", []);
  const condition = call.inputs[0]?.value?.[0];
  const known = condition && constantOf(condition);
  if (known !== undefined) return known === 0 ? no : yes;
  return yes.map((fact, i) => either(call, fact, no[i]));
};

function either(call: Call, left: Fact, right: Fact | undefined): Fact {
  const type = typeOf([left, right]);
  if (left.shape === undefined || right?.shape === undefined || left.shape.length !== right.shape.length) return factOf(type, undefined);
  return factOf(type, common(call, left.shape, right.shape));
}

function common(call: Call, left: readonly Expression[], right: readonly Expression[]): readonly Expression[] {
  return left.map((size, axis) => (equal(size, right[axis]!) ? size : call.fresh("either")));
}

/** Trip count, condition and carried values in; carried values and stacked results out. Source: ONNX operator spec, Loop. */
export const loop: Rule = (call) => {
  const carried = Math.max(0, call.bodyInputs("body") - 2);
  const given = call.inputs.slice(2, 2 + carried);
  const { values, results } = settled(call, given, (values) => {
    const results = call.body("body", [factOf("i64", []), factOf("bool", []), ...values]);
    return { next: results.slice(1, 1 + carried), results };
  });
  const trips = tripsOf(call, results[0]);
  const stacked = results.slice(1 + carried).map((each) => factOf(each.type, each.shape && [trips, ...each.shape]));
  // Without a turn the values leave as they came, so only what all turns keep is known.
  return [...values, ...stacked];
};

/** As many as said where the loop's condition is always true. */
function tripsOf(call: Call, condition: Fact | undefined): Expression {
  const holds = (fact: Fact | undefined): boolean => fact?.value?.[0] !== undefined && constantOf(fact.value[0]) === 1;
  const goesOn = call.inputs[1] === undefined || holds(call.inputs[1]);
  return (goesOn && holds(condition) ? call.inputs[0]?.value?.[0] : undefined) ?? call.fresh("turns");
}

/** States and sequences in; states and stacked results out. Source: ONNX operator spec, Scan (since operator set 9). */
export const scan: Rule = (call) => {
  // Before operator set 9 every input had a batch axis; exporters left that form soon.
  if (call.opset < 9) return [];
  const count = integer(call, "num_scan_inputs", 1);
  const states = Math.max(0, call.inputs.length - count);
  const sequences = call.inputs.slice(states);
  const inputAxes = integers(call, "scan_input_axes") ?? [];
  const outputAxes = integers(call, "scan_output_axes") ?? [];
  const axisAt = (at: number, rank: number): number => axisOf(inputAxes[at] ?? 0, rank) ?? 0;
  const slices = sequences.map((each, at) => {
    const axis = axisAt(at, each?.shape?.length ?? 0);
    return factOf(
      typeOf([each]),
      each?.shape?.filter((_, other) => other !== axis),
    );
  });
  const length = sequences[0]?.shape?.[axisAt(0, sequences[0].shape.length)] ?? call.fresh("turns");
  const { values, results } = settled(call, call.inputs.slice(0, states), (values) => {
    const results = call.body("body", [...values, ...slices]);
    return { next: results.slice(0, states), results };
  });
  const stacked = results.slice(states).map((each, at) => {
    const axis = axisOf(outputAxes[at] ?? 0, (each.shape?.length ?? 0) + 1) ?? 0;
    return factOf(each.type, each.shape && [...each.shape.slice(0, axis), length, ...each.shape.slice(axis)]);
  });
  return [...values, ...stacked];
};

interface Turn {
  readonly next: readonly Fact[];
  readonly results: readonly Fact[];
}

/** Runs the body on facts until they hold before and after it; what a turn changes becomes unknown. */
function settled(call: Call, given: readonly (Fact | undefined)[], turn: (values: readonly Fact[]) => Turn) {
  let values: readonly Fact[] = given.map((fact) => factOf(typeOf([fact]), fact?.shape));
  for (let tries = 1; ; tries++) {
    const { next, results } = turn(values);
    const widened = values.map((value, i) => widen(call, value, next[i]));
    const holds = widened.every((fact, i) => fact === values[i]);
    if (holds) return { values, results };
    values = tries < MAX_TURNS ? widened : values.map(({ type }, i) => factOf(typeOf([{ type, shape: undefined }, next[i]]), undefined));
    if (tries > MAX_TURNS) return { values, results };
  }
}

function widen(call: Call, before: Fact, after: Fact | undefined): Fact {
  const type = typeOf([before, after]);
  if (before.shape === undefined) return before.type === type ? before : factOf(type, undefined);
  if (after?.shape === undefined || after.shape.length !== before.shape.length) return factOf(type, undefined);
  if (before.shape.every((size, axis) => equal(size, after.shape![axis]!)))
    return before.type === type ? before : factOf(type, before.shape);
  return factOf(type, common(call, before.shape, after.shape));
}
