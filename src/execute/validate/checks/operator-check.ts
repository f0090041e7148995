import { toHeddleError } from "../../../base/heddle-error.ts";
import type { StageModel } from "../../../graph/program/program.ts";
import { caseInputs, caseProgram } from "../cases/case-program.ts";
import type { OperatorCase } from "../cases/operator-case.ts";
import { compareOutputs } from "../compare-outputs.ts";
import type { Finding } from "../finding.ts";
import { computed, type HostTensors, refusal, type Subject, wholeStage } from "../subject.ts";
import { approximationOf, toleranceFor } from "../tolerance.ts";

/** Every case against the reference. What the device refuses is no failure; what it accepts must compile and run. */
export async function checkOperators(subject: Subject, cases: readonly OperatorCase[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const each of cases) {
    const stage = wholeStage(caseProgram(each));
    findings.push(await checkOperator(subject, each.name, { stage, inputs: caseInputs(each), sumLength: each.sumLength }));
  }
  return findings;
}

/** Their range is 1, and that is what approximations of them are made for: where all results are tiny, they are right to so much of 1. */
const BOUNDED: ReadonlySet<string> = new Set(["Sigmoid", "Tanh", "Erf", "Softmax", "HardSigmoid", "Sin", "Cos"]);

/** They round quotients to steps of 8 bits: one that lies in the middle of two may fall either way. */
const ROUNDING: ReadonlySet<string> = new Set(["QuantizeLinear", "DynamicQuantizeLinear", "QLinearMatMul", "QLinearConv"]);

export interface OperatorTask {
  readonly stage: StageModel;
  readonly inputs: HostTensors;
  readonly sumLength: number;
}

export async function checkOperator({ device, reference }: Subject, name: string, task: OperatorTask): Promise<Finding> {
  const { stage, inputs, sumLength } = task;
  const skip = (detail: string): Finding => ({ check: "operators", name, verdict: "skip", detail });
  const refused = refusal(device, stage);
  if (refused !== undefined) return skip(`the device refuses it: ${refused}`);
  const unknown = refusal(reference, stage);
  if (unknown !== undefined) return skip(`the reference refuses it: ${unknown}`);
  let wanted: HostTensors;
  try {
    wanted = await computed(reference, stage, inputs);
  } catch (thrown) {
    return skip(`the reference does not compute it: ${toHeddleError(thrown).message}`);
  }
  try {
    const got = await computed(device, stage, inputs);
    const types = stage.operators.map((id) => stage.graph.operators[id]!.type);
    const { numerics } = device.describe();
    const strict = toleranceFor(numerics.formats, sumLength);
    const said = types.length === 1 ? approximationOf(numerics, types[0]!, { ...inputs, ...wanted }) : undefined;
    const tolerance = Math.max(strict, said?.error ?? 0);
    const leastScale = types.some((type) => BOUNDED.has(type)) ? 1 : 0;
    const mayStep = types.some((type) => ROUNDING.has(type));
    const finding = compareOutputs("operators", name, { reference: wanted, device: got, tolerance, leastScale, mayStep });
    const needsIt = said !== undefined && finding.verdict === "pass" && (finding.divergence?.maxRelative ?? 0) > strict;
    return needsIt ? { ...finding, detail: `${finding.detail}; ${said.error.toExponential(1)} is allowed: ${said.source}` } : finding;
  } catch (thrown) {
    return { check: "operators", name, verdict: "fail", detail: `it is accepted, and then: ${toHeddleError(thrown).message}` };
  }
}
