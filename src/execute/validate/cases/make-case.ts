import type { HostTensor } from "../../device/tensor.ts";
import type { CaseAttribute, CaseInput, OperatorCase } from "./operator-case.ts";

export interface CaseOptions {
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, CaseAttribute>>;
  readonly outputs?: number;
  readonly sumLength?: number;
  /** Tells cases of one operator apart where types and sizes do not. */
  readonly note?: string;
}

/** A case of an operator, named by what goes in. */
export function makeCase(operator: string, inputs: readonly CaseInput[], options: CaseOptions = {}): OperatorCase {
  const { domain = "onnx", attributes = {}, outputs = 1, sumLength = 1, note } = options;
  const texts = inputs.flatMap((input) => (input === undefined ? [] : [`${input.tensor.type} [${input.tensor.dims.join(", ")}]`]));
  const name = `${operator} ${texts.join(" x ")}${note === undefined ? "" : `, ${note}`}`;
  return { name, operator, domain, attributes, inputs, outputs, sumLength };
}

/** An input of the run, its first size open where it has one. */
export function given(tensor: HostTensor, rows = "n"): CaseInput {
  return tensor.dims.length === 0 ? { tensor } : { tensor, rows };
}

/** An input of the run with all sizes fixed. */
export function fixed(tensor: HostTensor): CaseInput {
  return { tensor };
}

export function stored(tensor: HostTensor): CaseInput {
  return { tensor, isStored: true };
}
