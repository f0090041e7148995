import type { Command } from "commander";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
Feeds the recorded events back to new engines and compares a running hash of every command. Given the folder of a run, it also runs all engines
together from the arrivals and the recorded durations. Ends with status 0 when all is equal, else with the first event that differs.

Examples:
  heddle replay ~/.cache/heddle/runs/<run>
  heddle replay runs/today/replica-0-1.ledger --json`;

/** Adds `heddle replay`. */
export function addReplayCommand(program: Command): void {
  program
    .command("replay")
    .description("Replay the ledgers of a run and report the first command that differs, if any.")
    .argument("<ledger>", "ledger file, or folder of a run")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../replay.ts")).replay));
}
