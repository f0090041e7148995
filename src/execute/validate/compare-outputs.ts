import type { HostTensor } from "../device/tensor.ts";
import { divergenceOf, numbersOf } from "./divergence.ts";
import type { CheckName, Divergence, Finding } from "./finding.ts";
import type { HostTensors } from "./subject.ts";

/** Whether outputs are those of the reference, as near as the tolerance asks: the worst of all outputs. */
export function compareOutputs(
  check: CheckName,
  name: string,
  {
    reference,
    device,
    tolerance,
    leastScale = 0,
    mayStep = false,
  }: {
    readonly reference: HostTensors;
    readonly device: HostTensors;
    readonly tolerance: number;
    readonly leastScale?: number;
    /** Whether results of 8 bits are rounded inside, so that a few of them may be a neighbour. */
    readonly mayStep?: boolean;
  },
): Finding {
  let worst: { readonly output: string; readonly divergence: Divergence } | undefined;
  let stepped = "";
  for (const [output, wanted] of Object.entries(reference)) {
    const got = Object.hasOwn(device, output) ? device[output] : undefined;
    if (got === undefined) return { check, name, verdict: "fail", detail: `output ${output} is missing` };
    const divergence = divergenceOf(wanted, got, tolerance, leastScale);
    if (divergence === undefined) {
      const detail = `output ${output} is ${got.type} [${got.dims.join(", ")}], the reference's ${wanted.type} [${wanted.dims.join(", ")}]`;
      return { check, name, verdict: "fail", detail };
    }
    const steps = mayStep ? fewSteps(wanted, got) : 0;
    if (steps > 0) {
      stepped = `, ${steps} of ${wanted.data.length} values of ${output} a step away, where rounding falls either way`;
      continue;
    }
    if (worst === undefined || divergence.maxRelative > worst.divergence.maxRelative) worst = { output, divergence };
  }
  if (worst === undefined)
    return stepped === ""
      ? { check, name, verdict: "skip", detail: "it has no outputs" }
      : { check, name, verdict: "pass", detail: `outputs are equal${stepped}` };
  const { output, divergence } = worst;
  const isNear = divergence.maxRelative <= tolerance;
  const distance = divergence.maxAbsolute === 0 ? "equal" : `${divergence.maxRelative.toExponential(1)} of the largest value away`;
  const detail = `output ${output} is ${distance}${isNear ? "" : `, at most ${tolerance.toExponential(1)} is allowed`}${stepped}`;
  return { check, name, verdict: isNear ? "pass" : "fail", detail, divergence };
}

/** Of results of 8 bits, the share that may round to a neighbour: those whose quotients lie within a few roundings of the middle of two steps. */
const STEPPING_SHARE = 0.01;

/** How many values are a step away; 0 where they are equal, further away or too many for chance. */
function fewSteps(wanted: HostTensor, got: HostTensor): number {
  if (wanted.type !== "u8" && wanted.type !== "i8") return 0;
  const [a, b] = [numbersOf(wanted), numbersOf(got)];
  let steps = 0;
  for (let i = 0; i < a.length; i++) {
    const away = Math.abs(a[i]! - b[i]!);
    if (away > 1) return 0;
    steps += away;
  }
  return steps <= Math.max(1, STEPPING_SHARE * a.length) ? steps : 0;
}
