import { add, type Expression, substitute, subtract, symbol, symbolsOf } from "../graph/ir/expression.ts";
import { type Access, CONTEXT, type Operator, type TensorId, TOKENS } from "../graph/ir/graph.ts";
import { isUpdate, isView, positionPlaces, selectedPlaces } from "./flops/movement.ts";
import { flopsOf } from "./flops/rule-table.ts";
import { expertBytes } from "./mixture-bytes.ts";
import { selectedBytes } from "./selected-bytes.ts";
import { statedBytes } from "./stated-work.ts";
import type { Survey } from "./survey.ts";
import { bytesOfTensor, knownBytes, sumOfKnown } from "./tensor-bytes.ts";
import { NO_WORK, type Work } from "./work.ts";

type Kind = "weightBytes" | "stateBytes" | "activationBytes";

interface Moved {
  readonly kind: Kind;
  readonly bytes: Expression | undefined;
}

/**
 * Work of an operator read from a file.
 *
 * Model: it reads each of its inputs once and writes its outputs. A look-up reads the rows it gives, a view moves nothing, weights are read as they
 * are stored, once a run of the operator; what is appended to a state is written alone. Undefined where a size is not known.
 */
export function trafficWork(survey: Survey, operator: Operator): Work | undefined {
  const flops = flopsOf(survey.graph, operator);
  if (flops === undefined) return undefined;
  const stated = statedBytes(operator);
  if (stated !== undefined) return { ...NO_WORK, flops, activationBytes: stated };
  if (isView(operator) || putsBack(survey, operator)) return { ...NO_WORK, flops };
  const moved = updatesState(operator)
    ? update(survey, operator)
    : [...reads(survey, operator), ...writes(survey, operator), ...unnamed(survey, operator)];
  const sum = (kind: Kind): Expression | undefined => sumOfKnown(moved.filter((each) => each.kind === kind).map(({ bytes }) => bytes));
  const [weightBytes, stateBytes, activationBytes] = [sum("weightBytes"), sum("stateBytes"), sum("activationBytes")];
  if (weightBytes === undefined || stateBytes === undefined || activationBytes === undefined) return undefined;
  return { flops, weightBytes, stateBytes, activationBytes };
}

function updatesState(operator: Operator): boolean {
  return isUpdate(operator) && operator.accesses.some(({ mode }) => mode !== "read");
}

/** What is put into a state is read and written, with the places it goes to; the rest of the state stays where it is. */
function update(survey: Survey, operator: Operator): readonly Moved[] {
  const values = operator.inputs.at(-1);
  const written = values === undefined ? undefined : knownBytes(survey.graph.tensors[values]!);
  return [...reads(survey, { ...operator, inputs: operator.inputs.slice(1) }), { kind: "stateBytes", bytes: written }];
}

/** A view of a state that was written is put back where it came from, by graphs that have no writes in place. */
function putsBack({ states }: Survey, operator: Operator): boolean {
  const values = operator.inputs.at(-1);
  return isUpdate(operator) && operator.accesses.length === 0 && values !== undefined && states.has(values);
}

function reads(survey: Survey, operator: Operator): readonly Moved[] {
  const seen = new Set<TensorId>();
  const selected = selectedPlaces(operator);
  return operator.inputs.flatMap((id, place): readonly Moved[] => {
    if (id === undefined || seen.has(id)) return [];
    seen.add(id);
    const kind: Kind = survey.stored.has(id) ? "weightBytes" : survey.states.has(id) ? "stateBytes" : "activationBytes";
    if (positionPlaces(operator).includes(place)) return [{ kind, bytes: positionBytes(survey, operator, id) }];
    if (selected.includes(place)) return [{ kind, bytes: selectedBytes(survey, operator, place) }];
    const whole = survey.stored.has(id) ? survey.stored.get(id) : knownBytes(survey.graph.tensors[id]!);
    return [{ kind, bytes: expertBytes(survey.graph, operator, place, whole) }];
  });
}

/** A row of the table for every token of x [B, S, W] or [B, heads, S, D]. */
function positionBytes({ graph }: Survey, operator: Operator, id: TensorId): Expression | undefined {
  const x = operator.inputs[0] === undefined ? undefined : graph.tensors[operator.inputs[0]]!.shape;
  const width = graph.tensors[id]!.shape?.at(-1);
  if (x === undefined || width === undefined || x.length < 3) return undefined;
  return knownBytes({ type: graph.tensors[id]!.type, shape: [x[0]!, x.at(x.length === 4 ? 2 : 1)!, width] });
}

function writes(survey: Survey, operator: Operator): readonly Moved[] {
  const { graph } = survey;
  return operator.outputs.flatMap((id): readonly Moved[] => {
    if (id === undefined) return [];
    const whole = knownBytes(graph.tensors[id]!);
    const access = operator.accesses.find(({ tensor, mode }) => tensor === id && mode !== "read");
    if (access === undefined) return [{ kind: "activationBytes", bytes: whole }];
    return [{ kind: "stateBytes", bytes: access.mode === "append" ? appended(survey, operator, access, whole) : whole }];
  });
}

/** What is there after the run without what was there before it; where both are one buffer, or only a run tells, the tokens of the run. */
function appended({ graph }: Survey, operator: Operator, { state }: Access, after: Expression | undefined): Expression | undefined {
  const before = graph.inputs.map((id) => graph.tensors[id]!).find(({ name }) => name === graph.states[state]!.name);
  if (before?.shape === undefined || after === undefined) return after;
  const grown = subtract(after, bytesOfTensor(before));
  if (grown.terms.length > 0 && !symbolsOf(grown).some((name) => name.includes("#"))) return grown;
  const query = operator.inputs[0];
  const tokens = query === undefined ? undefined : graph.tensors[query]!.shape?.at(1);
  return tokens === undefined ? after : knownBytes({ ...before, shape: before.shape.map((size, axis) => (axis === 2 ? tokens : size)) });
}

/** Accesses to states that no input or output stands for. */
function unnamed({ graph }: Survey, { accesses }: Operator): readonly Moved[] {
  return accesses.flatMap(({ state: id, mode, tensor }): readonly Moved[] => {
    if (tensor !== undefined) return [];
    const whole = bytesOfTensor(graph.states[id]!);
    const at = (context: Expression): Expression => substitute(whole, { [CONTEXT]: context });
    if (mode === "append") return [{ kind: "stateBytes", bytes: at(symbol(TOKENS)) }];
    const before = mode === "read" ? at(subtract(symbol(CONTEXT), symbol(TOKENS))) : add(whole);
    return [{ kind: "stateBytes", bytes: before }];
  });
}
