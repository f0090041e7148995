import type { Command } from "commander";
import { DEFAULT_MODEL } from "../../execute/model-store/catalog.ts";
import { addLearnOption, addLedgerOptions, addServingOptions, wholeNumber } from "../serving-options.ts";
import { lazyAction } from "./lazy-action.ts";
import { addPlanOptions } from "./plan.ts";

const HELP = `
Describes and measures this machine (once; later starts read the cache), plans the model on it, starts the replicas, compares a first prompt with its
prediction, and serves OpenAI's API until SIGTERM or SIGINT. What iterations take meanwhile corrects later predictions of the plan (--no-learn: not).

Examples:
  heddle up
  heddle up --model Qwen/Qwen2.5-0.5B-Instruct-GGUF:q8_0 --port 8080
  heddle up --host 0.0.0.0 --api-key-file keys.txt`;

/** Adds the options of a model planned on this machine. */
export function addLocalOptions(command: Command): Command {
  command
    .option("--model <model>", "name, org/repository, path or URL", DEFAULT_MODEL)
    .option("--queue-limit <count>", "requests that may wait; one more gets 429", wholeNumber(0));
  return addLedgerOptions(addPlanOptions(command));
}

/** Adds `heddle up`. */
export function addUpCommand(program: Command): void {
  const command = program.command("up").description("Serve a model on this machine: pull, discover, calibrate, plan and serve in one.");
  addLearnOption(addServingOptions(addLocalOptions(command)))
    .option("--json", "print one JSON document when ready")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../up.ts")).up));
}
