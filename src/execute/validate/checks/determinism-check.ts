import { toHeddleError } from "../../../base/heddle-error.ts";
import { isEqualBits } from "../divergence.ts";
import type { Finding } from "../finding.ts";
import { type HostTensors, refusal, runOnce, type Subject, withStage } from "../subject.ts";
import type { Sample } from "./samples.ts";

const RUNS = 5;

/** The same run gives the same bits, where the device says so. */
export async function checkDeterminism({ device }: Subject, samples: readonly Sample[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const declared = device.describe().numerics.deterministic;
  for (const { name, stage, inputs } of samples) {
    if (refusal(device, stage) !== undefined) continue;
    const finding = (verdict: Finding["verdict"], detail: string): Finding => ({ check: "determinism", name, verdict, detail });
    try {
      const runs = await withStage(device, stage, {
        inputs,
        use: async (resident) => {
          const all: HostTensors[] = [];
          for (let run = 0; run < RUNS; run++) all.push((await runOnce(device, resident, inputs)).outputs);
          return all;
        },
      });
      const differ = runs.filter((outputs) =>
        Object.entries(runs[0]!).some(([output, first]) => !isEqualBits(first, outputs[output]!)),
      ).length;
      if (differ === 0) findings.push(finding("pass", `${RUNS} runs gave equal bits`));
      else if (declared)
        findings.push(finding("fail", `${differ} of ${RUNS} runs gave other bits, and the device says it is deterministic`));
      else findings.push(finding("warn", `${differ} of ${RUNS} runs gave other bits; the device does not say it is deterministic`));
    } catch (thrown) {
      findings.push(finding("fail", toHeddleError(thrown).message));
    }
  }
  return findings;
}
