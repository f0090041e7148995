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

export function headline({ findings }: Validation): string {
  const failed = findings.filter(({ verdict }) => verdict === "fail").length;
  const looked = findings.filter(({ verdict }) => verdict !== "skip").length;
  return failed === 0
    ? `it does what its contract and description say in all ${looked} cases looked at`
    : `it fails ${failed} of ${looked} cases looked at`;
}

/** Operators of the table that the device refuses, which is no failure. */
export function refusedOperators({ findings }: Validation): readonly string[] {
  const refused = findings.filter(
    ({ check, verdict, detail }) => check === "operators" && verdict === "skip" && detail.startsWith("the device refuses"),
  );
  return [...new Set(refused.map(({ name }) => (name.split(": ").at(-1) ?? name).split(" ")[0]!))].sort();
}

export function emulatedNote(device: string): string {
  return `${device} is emulated: another driver computes, and time follows from the description. Nothing here is a measurement of the device it is named after, and nothing says how accurate that is.`;
}
