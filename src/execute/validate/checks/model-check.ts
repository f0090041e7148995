import { toHeddleError } from "../../../base/heddle-error.ts";
import type { Bindings } from "../../../graph/ir/expression.ts";
import { constantOf, evaluate, symbolsOf } from "../../../graph/ir/expression.ts";
import type { OperatorId } from "../../../graph/ir/graph.ts";
import { readBy } from "../../../graph/ir/read-by.ts";
import type { Port, Program, StageModel } from "../../../graph/program/program.ts";
import { isTensorType } from "../../device/array-types.ts";
import type { HostTensor } from "../../device/tensor.ts";
import { drawn } from "../cases/case-tensors.ts";
import { compareOutputs } from "../compare-outputs.ts";
import { divergenceOf } from "../divergence.ts";
import type { Finding } from "../finding.ts";
import { computed, type HostTensors, refusal, type Subject, wholeStage } from "../subject.ts";
import { approximationOf, roundoffOf, toleranceFor } from "../tolerance.ts";
import { checkOperator } from "./operator-check.ts";

export interface ModelTask {
  readonly program: Program;
  /** Values of symbols; 2 for those that are not named. */
  readonly sizes: Bindings;
}

/** Size of a symbol nobody named: more than 1, so that strides and broadcasting show. */
const SIZE_DEFAULT = 2;
/** Elements added up for a result deep in a model: sums of rounded sums. */
const MODEL_SUMS = 65_536;
/** Outputs may be this many times as far away as the reference's own are when the result of every operator is off by some roundings. */
const SENSITIVITY = 4;
const NOISE_ROUNDINGS = 8;

/** Every distinct operator of a model, fed with what the reference computed before it, and the outputs of the whole. */
export async function checkModel(subject: Subject, { program, sizes }: ModelTask): Promise<readonly Finding[]> {
  const whole = wholeStage(program);
  const inputs = modelInputs(whole, sizes);
  if (typeof inputs === "string") return [{ check: "model", name: program.name, verdict: "skip", detail: inputs }];
  const walk = await walkOperators(subject, program, inputs);
  return [await checkWhole(subject, whole, { inputs, moved: walk.moved }), ...walk.findings];
}

/** Model: rounding in the first operators may grow on the way, by as much as the reference shows when its own results are moved a little. */
async function checkWhole(
  { device, reference }: Subject,
  stage: StageModel,
  { inputs, moved }: { readonly inputs: HostTensors; readonly moved: HostTensors },
): Promise<Finding> {
  const finding = (verdict: Finding["verdict"], detail: string): Finding => ({ check: "model", name: stage.name, verdict, detail });
  const refused = stage.operators.filter((id) => !device.supports(stage.graph, id).ok);
  if (refused.length > 0)
    return finding("skip", `the device refuses ${refused.length} of ${stage.operators.length} operators: ${refusal(device, stage)}`);
  const unknown = refusal(reference, stage);
  if (unknown !== undefined) return finding("skip", `the reference refuses it: ${unknown}`);
  let wanted: HostTensors;
  try {
    wanted = await computed(reference, stage, inputs);
  } catch (thrown) {
    return finding("skip", `the reference does not compute it at these sizes (--size gives others): ${toHeddleError(thrown).message}`);
  }
  try {
    const got = await computed(device, stage, inputs);
    const seen = Object.entries(wanted).map(([name, tensor]) => (moved[name] && divergenceOf(tensor, moved[name], 0)?.maxRelative) ?? 0);
    // Where moved values became none, they say nothing of how far a right result may be.
    const grown = seen.filter((each) => Number.isFinite(each));
    const tolerance = Math.max(toleranceFor(device.describe().numerics.formats, MODEL_SUMS), SENSITIVITY * Math.max(0, ...grown));
    const compared = compareOutputs("model", stage.name, { reference: wanted, device: got, tolerance });
    if (tolerance < 1 || compared.verdict !== "pass") return compared;
    const detail = `${compared.detail}; that says little: the model makes as much as the largest value of what single operators may be off`;
    return { ...compared, verdict: "warn", detail };
  } catch (thrown) {
    return finding("fail", toHeddleError(thrown).message);
  }
}

interface Walk {
  readonly findings: readonly Finding[];
  /** Outputs of the reference where every operator's result was moved by some roundings; those that could be followed. */
  readonly moved: HostTensors;
}

/** Operator by operator in the graph's order on the reference; the first of each kind at each shape is computed by the device too. */
async function walkOperators(subject: Subject, program: Program, inputs: HostTensors): Promise<Walk> {
  const { graph } = program;
  const { reference, device } = subject;
  const { numerics } = device.describe();
  const roundings = NOISE_ROUNDINGS * roundoffOf(numerics.formats);
  const exact = new Map<string, HostTensor>(Object.entries(inputs));
  const moved = new Map<string, HostTensor>(Object.entries(inputs));
  const lastReader = new Map<string, OperatorId>();
  for (const [id, operator] of graph.operators.entries())
    for (const tensor of readBy(operator)) lastReader.set(graph.tensors[tensor]!.name, id);
  const wanted = new Set(graph.outputs.map((id) => graph.tensors[id]!.name));
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const [id, operator] of graph.operators.entries()) {
    const stage = program.stage([id]);
    const given = inputsFrom(exact, stage);
    if (given === undefined) continue;
    const shapes = Object.values(given).map(({ type, dims }) => `${type} [${dims.join(", ")}]`);
    const name = `${operator.type} ${shapes.join(" x ")} ${JSON.stringify(operator.attributes)}`.slice(0, 160);
    if (!seen.has(name)) {
      seen.add(name);
      const sumLength = Math.max(1, ...Object.values(given).map(({ dims }) => dims.at(-1) ?? 1));
      findings.push({ ...(await checkOperator(subject, name, { stage, inputs: given, sumLength })), name: `${program.name}: ${name}` });
    }
    try {
      const made = await computed(reference, stage, given);
      for (const [output, tensor] of Object.entries(made)) exact.set(output, tensor);
      const other = inputsFrom(moved, stage);
      const results = other === undefined ? {} : await computed(reference, stage, other);
      const by = Math.max(roundings, approximationOf(numerics, operator.type, { ...given, ...made })?.error ?? 0);
      for (const [output, tensor] of Object.entries(results))
        moved.set(output, nudged(tensor, { output, by, alone: ALONE.has(operator.type) }));
    } catch {
      // What the reference cannot compute alone has no readers that could be fed; the check of the operator has said why.
    }
    for (const { name: input } of stage.inputs) {
      if (lastReader.get(input) !== id || wanted.has(input)) continue;
      exact.delete(input);
      moved.delete(input);
    }
  }
  return { findings, moved: Object.fromEntries([...moved].filter(([name]) => wanted.has(name))) };
}

function inputsFrom(values: ReadonlyMap<string, HostTensor>, { inputs }: StageModel): Record<string, HostTensor> | undefined {
  const given: Record<string, HostTensor> = {};
  for (const { name } of inputs) {
    const value = values.get(name);
    if (value === undefined) return undefined;
    given[name] = value;
  }
  return given;
}

/** Their results are rounded from one or two values, not added up: masks of huge values beside zeros are made by them, and those zeros stay. */
const ALONE: ReadonlySet<string> = new Set(
  "Where Cast Expand Reshape Transpose Unsqueeze Squeeze Concat Slice Gather Identity ConstantOfShape Trilu Mul Add Sub Neg Min Max Clip".split(
    " ",
  ),
);

/** Floats moved by up to such a share of themselves or, unless they stand alone, of the root of their mean square where that is more: sums cancel. */
function nudged(
  tensor: HostTensor,
  { output, by, alone }: { readonly output: string; readonly by: number; readonly alone: boolean },
): HostTensor {
  const { data } = tensor;
  if (!(data instanceof Float32Array)) return tensor;
  const noise = drawn(output, [data.length]).data as Float32Array;
  const size = Math.sqrt(data.reduce((sum, value) => sum + (Number.isFinite(value) ? value * value : 0), 0) / Math.max(1, data.length));
  const nudge = (value: number, at: number): number => {
    const near = Math.fround(value + (by / 2) * noise[at]! * Math.max(Math.abs(value), alone ? 0 : size));
    return Number.isFinite(near) ? near : value;
  };
  return { ...tensor, data: data.map(nudge) };
}

/** Drawn inputs; whole numbers are small, so that they are rows of most tables. The reason where a shape or type is not one that can be made. */
function modelInputs({ inputs }: StageModel, sizes: Bindings): HostTensors | string {
  const made: Record<string, HostTensor> = {};
  for (const port of inputs) {
    if (!isTensorType(port.type)) return `input ${port.name} is of type ${port.type}, which no tensor of a run has`;
    const dims = dimsOf(port, sizes);
    if (dims === undefined) return `the shape of input ${port.name} is not known`;
    made[port.name] = drawn(port.name, dims, { type: port.type, below: 2 });
  }
  return made;
}

function dimsOf({ shape }: Port, sizes: Bindings): readonly number[] | undefined {
  return shape?.map((size) => {
    const known = constantOf(size);
    if (known !== undefined) return known;
    return evaluate(size, Object.fromEntries(symbolsOf(size).map((symbol) => [symbol, sizes[symbol] ?? SIZE_DEFAULT])));
  });
}
