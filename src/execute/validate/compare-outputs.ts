import { divergenceOf } from "./divergence.ts";
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
  }: { readonly reference: HostTensors; readonly device: HostTensors; readonly tolerance: number; readonly leastScale?: number },
): Finding {
  let worst: { readonly output: string; readonly divergence: Divergence } | undefined;
  for (const [output, wanted] of Object.entries(reference)) {
    const got = Object.hasOwn(device, output) ? device[output] : undefined;
    if (got === undefined) return { check, name, verdict: "fail", detail: `output ${output} is missing` };
    const divergence = divergenceOf(wanted, got, tolerance, leastScale);
    if (divergence === undefined) {
      const detail = `output ${output} is ${got.type} [${got.dims.join(", ")}], the reference's ${wanted.type} [${wanted.dims.join(", ")}]`;
      return { check, name, verdict: "fail", detail };
    }
    if (worst === undefined || divergence.maxRelative > worst.divergence.maxRelative) worst = { output, divergence };
  }
  if (worst === undefined) return { check, name, verdict: "skip", detail: "it has no outputs" };
  const { output, divergence } = worst;
  const isNear = divergence.maxRelative <= tolerance;
  const distance = divergence.maxAbsolute === 0 ? "equal" : `${divergence.maxRelative.toExponential(1)} of the largest value away`;
  const detail = `output ${output} is ${distance}${isNear ? "" : `, at most ${tolerance.toExponential(1)} is allowed`}`;
  return { check, name, verdict: isNear ? "pass" : "fail", detail, divergence };
}
