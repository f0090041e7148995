import type { Command } from "commander";
import { ACCURACY_PART_IDS } from "../accuracy/accuracy-part.ts";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
Without --data the table that came with this version is printed. With it every figure is computed anew from public measurements in a folder, one
subfolder a data set (their READMEs say where each is from); what is not there is named.

Parts: ${ACCURACY_PART_IDS.join(", ")}

Examples:
  heddle validate
  heddle validate --data ./data --part recorded-run
  heddle validate --data ./data --write-docs docs/accuracy.md`;

/** Adds `heddle validate`. */
export function addValidateCommand(program: Command): void {
  program
    .command("validate")
    .description("Print how far off predictions are, by kind, against public measurements.")
    .option("--data <folder>", "folder of public measurements, to compute every figure anew")
    .option("--part <id>", "only this part; once for each", (text: string, before: readonly string[] = []) => [...before, text])
    .option("--write-docs <file>", "write the page, and its rows as JSON beside it; with --part the others stay as they were stored")
    .option(
      "--check",
      "hold what is computed against the table that came with this version: exit status 1 where an error grew or a prediction is gone",
    )
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../validate.ts")).validate));
}
