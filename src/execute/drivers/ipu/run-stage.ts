import { performance } from "node:perf_hooks";
import { must } from "../../../base/assert.ts";
import { stateBytes } from "../../../cost/state-work.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import { checkInputs } from "../../device/check-inputs.ts";
import type { HostTensor } from "../../device/tensor.ts";
import type { runOperator } from "./operators.ts";

export interface StageWatch {
  readonly kernel: typeof runOperator;
  /** Told of each tensor that is made. */
  readonly hold: (tensor: HostTensor, what: string) => void;
  /** Told of each operator: bytes it read and wrote, and its time. */
  readonly ran: (type: string, bytes: number, ns: number) => void;
}

/** Runs the operators of a stage one after the other; gives its outputs by name of port. Errors: `input-invalid`, and what `hold` throws. */
export function runStage(
  stage: StageModel,
  inputs: Readonly<Record<string, HostTensor>>,
  watch: StageWatch,
): Readonly<Record<string, HostTensor>> {
  checkInputs(stage, inputs);
  const values = new Map<number, HostTensor>();
  for (const { name, tensor } of stage.inputs) values.set(tensor, inputs[name]!);
  for (const id of stage.operators) {
    const operator = stage.graph.operators[id]!;
    const given = operator.inputs.map((input) => must(values.get(input ?? -1), "an operator stands behind those it reads"));
    const began = performance.now();
    const made = watch.kernel(operator, given);
    const sizes = { inputs: given.map(({ data }) => data.byteLength), outputs: made.map(({ data }) => data.byteLength) };
    watch.ran(operator.type, stateBytes(operator.type, sizes), (performance.now() - began) * 1e6);
    made.forEach((tensor, i) => {
      watch.hold(tensor, `an output of ${operator.name}`);
      values.set(operator.outputs[i]!, tensor);
    });
  }
  return Object.fromEntries(stage.outputs.map(({ name, tensor }) => [name, must(values.get(tensor), "an output that was made")]));
}
