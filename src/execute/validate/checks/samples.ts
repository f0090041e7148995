import type { StageModel } from "../../../graph/program/program.ts";
import { caseInputs, caseProgram } from "../cases/case-program.ts";
import { drawn } from "../cases/case-tensors.ts";
import { given, makeCase, stored } from "../cases/make-case.ts";
import type { OperatorCase } from "../cases/operator-case.ts";
import { type HostTensors, wholeStage } from "../subject.ts";

/** Something to run more than once. */
export interface Sample {
  readonly name: string;
  readonly stage: StageModel;
  readonly inputs: HostTensors;
}

/** Rows of the samples: odd, and more than a vector register holds. */
export const SAMPLE_ROWS = 13;
const SUMS = 96;

/** Operators whose kernels cut work into blocks, so that order of sums and treatment of a row can depend on how many rows there are. */
export function rowCases(rows: number): readonly OperatorCase[] {
  const x = given(drawn("rows", [rows, SUMS]));
  const weights = stored(drawn("weights", [SUMS]));
  return [
    makeCase("MatMul", [x, stored(drawn("w", [SUMS, 65]))], { sumLength: SUMS }),
    makeCase("Gemm", [x, stored(drawn("w", [33, SUMS]))], { attributes: { transB: 1 }, sumLength: SUMS }),
    makeCase("Softmax", [x], { attributes: { axis: -1 } }),
    makeCase("LayerNormalization", [x, weights], { attributes: { axis: -1 } }),
    makeCase("Conv", [given(drawn("images", [rows, 3, 9, 11])), stored(drawn("kernel", [5, 3, 3, 3]))], { sumLength: 27 }),
    makeCase("Tanh", [x]),
  ];
}

export function samples(): readonly Sample[] {
  return rowCases(SAMPLE_ROWS).map((each) => ({ name: each.name, stage: wholeStage(caseProgram(each)), inputs: caseInputs(each) }));
}
