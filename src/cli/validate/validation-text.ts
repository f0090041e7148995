import type { Finding } from "../../execute/validate/finding.ts";
import type { Validation } from "../../execute/validate/validation.ts";
import { table } from "../output.ts";
import { CHECK_TITLES, countsText, emulatedNote, headline, refusedOperators } from "./words.ts";

/** A validation for a terminal: a row a check, then what a user should look at. */
export function validationText(validation: Validation): string {
  const { device, reference, checks, findings, emulated, description } = validation;
  const notable = findings.filter(({ verdict }) => verdict === "fail" || verdict === "warn");
  const shown = [
    ...notable,
    ...findings.filter(({ check, name, verdict }) => check === "speed" && verdict === "pass" && !name.startsWith("times")),
  ];
  const refused = refusedOperators(validation);
  return [
    `${device} (${description.name}) against ${reference}: ${headline(validation)}`,
    ...(emulated ? [emulatedNote(device)] : []),
    table(
      ["check", "verdict", "cases"],
      checks.map(({ check, verdict, counts }) => [CHECK_TITLES[check], verdict, countsText(counts)]),
    ),
    ...(refused.length === 0 ? [] : [`refused, which is no failure (reasons: --json): ${refused.join(", ")}`]),
    ...(shown.length === 0 ? [] : [shown.map(findingLine).join("\n")]),
  ].join("\n\n");
}

function findingLine({ check, name, verdict, detail }: Finding): string {
  return `${verdict}: ${CHECK_TITLES[check]}, ${name}: ${detail}`;
}
