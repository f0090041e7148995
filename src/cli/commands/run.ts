import type { Command } from "commander";
import { numberFrom, wholeNumber } from "../serving-options.ts";
import { lazyAction } from "./lazy-action.ts";
import { addLocalOptions } from "./up.ts";

const DEFAULT_MAX_TOKENS = 256;
const HELP = `
Examples:
  heddle run "Why is the sky blue?"
  heddle run --raw "Once upon a time" --max-tokens 60 --temperature 0.8 --seed 7`;

/** Adds `heddle run`. */
export function addRunCommand(program: Command): void {
  const command = program.command("run").description("Print a model's answer to one prompt.").argument("<prompt>", "what to ask");
  addLocalOptions(command)
    .option("--max-tokens <count>", "most tokens to generate", wholeNumber(1), DEFAULT_MAX_TOKENS)
    .option("--temperature <t>", "0 takes the likeliest token", numberFrom(0, 2), 0)
    .option("--top-p <p>", "keep the likeliest tokens up to this share", numberFrom(1e-6, 1), 1)
    .option("--seed <seed>", "fixes what is drawn", wholeNumber(0))
    .option("--system <text>", "system message before the prompt")
    .option("--raw", "continue the text itself, without the chat template")
    .option("--stop <text...>", "end before any of these")
    .option("--json", "print one JSON document at the end")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../run.ts")).run));
}
