import type { CheckName, Verdict } from "../../execute/validate/finding.ts";
import type { Validation } from "../../execute/validate/validation.ts";

/** Checks as people call them. */
export const CHECK_TITLES: Readonly<Record<CheckName, string>> = {
  operators: "Operators",
  model: "Whole model",
  tokens: "Tokens",
  determinism: "Determinism",
  batch: "Batch invariance",
  memory: "Memory",
  failure: "Failure behaviour",
  speed: "Speed",
};

export function countsText(counts: Readonly<Record<Verdict, number>>): string {
  const words: Readonly<Record<Verdict, string>> = { pass: "passed", warn: "to know", fail: "failed", skip: "not looked at" };
  return (Object.keys(words) as Verdict[])
    .filter((verdict) => counts[verdict] > 0)
    .map((verdict) => `${counts[verdict]} ${words[verdict]}`)
    .join(", ");
}

export function headline({ device, findings }: Validation): string {
  const failed = findings.filter(({ verdict }) => verdict === "fail").length;
  const looked = findings.filter(({ verdict }) => verdict !== "skip").length;
  if (failed === 0) return `${device} does what its contract and description say in all ${looked} checks that could be made`;
  return `${device} fails ${failed} of ${looked} checks`;
}

export function emulatedNote(device: string): string {
  return `${device} is emulated: another driver computes, and time follows from the description. Nothing here is a measurement of the device it is named after, and nothing says how accurate that is.`;
}
