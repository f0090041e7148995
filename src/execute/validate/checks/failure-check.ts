import { toHeddleError } from "../../../base/heddle-error.ts";
import type { OpenDevice, ResidentStage } from "../../device/device-driver.ts";
import type { HostTensor } from "../../device/tensor.ts";
import { caseProgram } from "../cases/case-program.ts";
import { drawn } from "../cases/case-tensors.ts";
import { given, makeCase } from "../cases/make-case.ts";
import type { OperatorCase } from "../cases/operator-case.ts";
import { isEqualBits } from "../divergence.ts";
import { type Finding, guarded } from "../finding.ts";
import { type HostTensors, refusal, runOnce, type Subject, wholeStage, withStage } from "../subject.ts";
import type { Sample } from "./samples.ts";

const MEMORY_BYTES = 268_435_456;

/** Bad inputs are refused before anything runs, the device goes on after it, unsupported stages are not compiled, and a drained device runs nothing. */
export async function checkFailures(
  subject: Subject,
  samples: readonly Sample[],
  cases: readonly OperatorCase[],
): Promise<readonly Finding[]> {
  const { device } = subject;
  const sample = samples.find(({ stage }) => refusal(device, stage) === undefined);
  const unsupported = await guarded("failure", "refusals", async () => [
    await checkUnsupported(device, nonsense()),
    ...(await refusedCases(device, cases)),
  ]);
  if (sample === undefined)
    return [...unsupported, { check: "failure", name: "inputs", verdict: "skip", detail: "the device refuses every sample" }];
  return [
    ...(await guarded("failure", "wrong inputs", () => checkInputs(device, sample))),
    ...unsupported,
    ...(await guarded("failure", "a run after drain", async () => [await checkDrain(subject, sample)])),
  ];
}

async function checkInputs(device: OpenDevice, { stage, inputs }: Sample): Promise<readonly Finding[]> {
  const [name = "", tensor] = Object.entries(inputs)[0]!;
  const tooWide: HostTensor = drawn("wide", [tensor!.dims[0]!, ...tensor!.dims.slice(1).map((size) => size + 1)]);
  const flat: HostTensor = { ...tensor!, dims: [tensor!.data.length] };
  const whole: HostTensor = { type: "i32", dims: tensor!.dims, data: new Int32Array(tensor!.data.length) };
  const wrong: readonly (readonly [string, HostTensors])[] = [
    ["a missing input", {}],
    ["an input of another type", { [name]: whole }],
    ["an input of another size", { [name]: tooWide }],
    ["an input of another rank", { [name]: flat }],
  ];
  return withStage(device, stage, {
    inputs,
    use: async (resident) => {
      const before = (await runOnce(device, resident, inputs)).outputs;
      const findings: Finding[] = [];
      for (const [what, given] of wrong) findings.push(await refusedRun(device, resident, { what, given }));
      const after = (await runOnce(device, resident, inputs)).outputs;
      const same = Object.entries(before).every(([output, first]) => isEqualBits(first, after[output]!));
      const detail = same ? "a right run after the wrong ones gives the same bits" : "a right run after the wrong ones gives other bits";
      findings.push({ check: "failure", name: "after refusals", verdict: same ? "pass" : "fail", detail });
      return findings;
    },
  });
}

async function refusedRun(
  device: OpenDevice,
  resident: ResidentStage,
  { what, given: inputs }: { readonly what: string; readonly given: HostTensors },
): Promise<Finding> {
  const finding = (verdict: Finding["verdict"], detail: string): Finding => ({ check: "failure", name: what, verdict, detail });
  const busyBefore = device.telemetry().busyNs;
  try {
    await runOnce(device, resident, inputs);
    return finding("fail", "it was run");
  } catch (thrown) {
    const error = toHeddleError(thrown);
    if (error.code !== "input-invalid") return finding("fail", `it answers ${error.code}, not input-invalid: ${error.message}`);
    if (device.telemetry().busyNs !== busyBefore) return finding("fail", "it was refused after something ran");
    return finding("pass", `refused: ${error.detail ?? error.message}`);
  }
}

/** An operator nobody has. */
function nonsense(): OperatorCase {
  return makeCase("Unheard", [given(drawn("x", [3, 7]))], { domain: "heddle.validate" });
}

async function checkUnsupported(device: OpenDevice, unsupported: OperatorCase): Promise<Finding> {
  const finding = (verdict: Finding["verdict"], detail: string): Finding => ({
    check: "failure",
    name: `refusal of ${unsupported.name}`,
    verdict,
    detail,
  });
  const stage = wholeStage(caseProgram(unsupported));
  const support = device.supports(stage.graph, stage.operators[0]!);
  if (support.ok) return finding("fail", "the device says it supports it");
  if (support.reason.trim() === "") return finding("fail", "it is refused without a reason");
  try {
    await device.compile(stage);
    return finding("fail", `it was compiled, although the device says: ${support.reason}`);
  } catch (thrown) {
    const { code, message } = toHeddleError(thrown);
    if (code !== "stage-unsupported") return finding("fail", `compiling it answers ${code}, not stage-unsupported: ${message}`);
    return finding("pass", `refused: ${support.reason}`);
  }
}

/** What the device refuses of the table is not compiled either. */
async function refusedCases(device: OpenDevice, cases: readonly OperatorCase[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const each of cases) {
    const stage = wholeStage(caseProgram(each));
    if (refusal(device, stage) !== undefined) findings.push(await checkUnsupported(device, each));
  }
  return findings;
}

async function checkDrain({ reopen }: Subject, { stage, inputs }: Sample): Promise<Finding> {
  const finding = (verdict: Finding["verdict"], detail: string): Finding => ({
    check: "failure",
    name: "a run after drain",
    verdict,
    detail,
  });
  const device = await reopen(MEMORY_BYTES);
  try {
    const resident = await device.load(await device.compile(stage));
    const there = Object.fromEntries(
      await Promise.all(Object.entries(inputs).map(async ([name, tensor]) => [name, await device.upload(tensor)] as const)),
    );
    const last = resident.run(there);
    await device.drain();
    await last;
    try {
      await resident.run(there);
      return finding("fail", "it was run");
    } catch (thrown) {
      const { code } = toHeddleError(thrown);
      return code === "draining"
        ? finding("pass", "a run under way ended, the next one was refused")
        : finding("fail", `it answers ${code}, not draining`);
    }
  } finally {
    await device.close();
  }
}
