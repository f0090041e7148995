import type { Command } from "commander";
import { addLearnOption, addLedgerOptions, addServingOptions } from "../serving-options.ts";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
The plan is one that \`heddle plan\` wrote. Its rack is looked for in the cache; give --rack for another place.
Once a minute and at the end, what iterations took is held against what was predicted (\`heddle:step_time_ratio\` of /metrics) and kept, from 200
iterations of a replica on: later predictions of the same plan are corrected by it, as by runs of \`heddle verify\` (--no-learn: not).

Examples:
  heddle serve plan.json
  heddle serve plan.json --rack rack.yaml --port 0 --ledger runs/today`;

/** Adds `heddle serve`. */
export function addServeCommand(program: Command): void {
  const command = program.command("serve").description("Serve a plan: OpenAI's API over its replicas.").argument("<plan>", "plan file");
  addLearnOption(addLedgerOptions(addServingOptions(command)))
    .option("--rack <file>", "rack file the plan was made for")
    .option("--json", "print one JSON document when ready")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../serve.ts")).serve));
}
