import { toHeddleError } from "../../../base/heddle-error.ts";
import type { HostTensor } from "../../device/tensor.ts";
import { caseInputs, caseProgram } from "../cases/case-program.ts";
import { divergenceOf, isEqualBits } from "../divergence.ts";
import type { Finding } from "../finding.ts";
import { computed, refusal, type Subject, wholeStage } from "../subject.ts";
import { rowCases, SAMPLE_ROWS } from "./samples.ts";

/** Rows looked at: the ends and one inside. */
const PLACES = [0, 6, SAMPLE_ROWS - 1];

/** A row alone gives what it gives among others, as near as the device says. */
export async function checkBatchInvariance({ device }: Subject): Promise<readonly Finding[]> {
  const { invariant, tolerance: declared } = device.describe().numerics.batchInvariance;
  const tolerance = invariant ? 0 : declared;
  const findings: Finding[] = [];
  for (const each of rowCases(SAMPLE_ROWS)) {
    const stage = wholeStage(caseProgram(each));
    if (refusal(device, stage) !== undefined) continue;
    const finding = (verdict: Finding["verdict"], detail: string): Finding => ({ check: "batch", name: each.name, verdict, detail });
    try {
      const inputs = caseInputs(each);
      const all = rowsOf((await computed(device, stage, inputs))["out0"]!);
      let most = 0;
      for (const place of PLACES) {
        const alone = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, rowsOf(tensor)(place)]));
        const row = (await computed(device, stage, alone))["out0"]!;
        if (isEqualBits(row, all(place))) continue;
        most = Math.max(most, divergenceOf(row, all(place), tolerance)?.maxRelative ?? Infinity);
      }
      const seen =
        most === 0
          ? "rows are equal alone and among others"
          : `rows differ by ${most.toExponential(1)} of their largest value alone and among others`;
      const said = invariant ? "the device says they do not" : `the device says ${declared.toExponential(1)} at most`;
      findings.push(most <= tolerance ? finding("pass", seen) : finding("fail", `${seen}; ${said}`));
    } catch (thrown) {
      findings.push(finding("fail", toHeddleError(thrown).message));
    }
  }
  return findings;
}

/** Rows of the first axis, each as a tensor of one row. */
function rowsOf(tensor: HostTensor): (place: number) => HostTensor {
  const size = tensor.data.length / tensor.dims[0]!;
  return (place) => ({
    ...tensor,
    dims: [1, ...tensor.dims.slice(1)],
    data: tensor.data.slice(place * size, (place + 1) * size) as HostTensor["data"],
  });
}
