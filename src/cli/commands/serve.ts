import type { Command } from "commander";
import { addLedgerOptions, addServingOptions } from "../serving-options.ts";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
The plan is one that \`heddle plan\` wrote. Its rack is looked for in the cache; give --rack for another place.

Examples:
  heddle serve plan.json
  heddle serve plan.json --rack rack.yaml --port 0 --ledger runs/today`;

/** Adds `heddle serve`. */
export function addServeCommand(program: Command): void {
  const command = program.command("serve").description("Serve a plan: OpenAI's API over its replicas.").argument("<plan>", "plan file");
  addLedgerOptions(addServingOptions(command))
    .option("--rack <file>", "rack file the plan was made for")
    .option("--json", "print one JSON document when ready")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../serve.ts")).serve));
}
