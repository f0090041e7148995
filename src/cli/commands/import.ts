import type { Command } from "commander";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
A log is what a load generator or an engine wrote of single requests: results of \`vllm bench serve --save-result --save-detailed\`, AIPerf's
profile_export.jsonl, an engine's request log (JSONL with queued_ts, first_token_ts, last_token_ts), or OpenTelemetry spans (OTLP JSON); or a trace
without latencies. No log says on which devices it ran, so a deployment file does. --metrics takes a scrape of the engine's /metrics (Prometheus text):
its KV blocks and their type, block size, memory fraction and prefix caching go into the deployment, its histograms are printed.

Examples:
  heddle import result.json --deployment fleet.yaml --out fleet.json
  heddle import requests.jsonl --deployment fleet.yaml --metrics metrics.txt --out fleet.json
  heddle what-if fleet.json --change pools.0.replicas=4`;

/** Adds `heddle import`. */
export function addImportCommand(program: Command): void {
  program
    .command("import")
    .description("Make one fleet file of what runs: its deployment, the load it had, and what was measured.")
    .argument("<log>", "log or benchmark result of the fleet's requests")
    .requiredOption("--deployment <file>", "deployment file: model, devices, engine settings")
    .option("--metrics <file>", "scrape of the engine's metrics (Prometheus text)")
    .requiredOption("--out <file>", "fleet file to write")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../import.ts")).importFleet));
}
