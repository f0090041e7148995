import type { Command } from "commander";
import { printResult } from "./output.ts";
import { openPlan } from "./plan-input.ts";
import { serveUntilSignal } from "./serve-until-signal.ts";
import {
  addLedgerOptions,
  addServingOptions,
  httpOptions,
  type LedgerOptions,
  ledgerPlace,
  type ServingOptions,
} from "./serving-options.ts";
import { startStack } from "./serving-stack.ts";

type ServeOptions = ServingOptions & LedgerOptions & { readonly rack?: string; readonly json?: boolean };

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
    .action(serve);
}

async function serve(path: string, options: ServeOptions): Promise<void> {
  const { plan, rack, model } = openPlan(path, options.rack);
  const http = httpOptions(options);
  const ledger = ledgerPlace(options);
  const stack = startStack({ plan, model, rack, ledger });
  const onReady = (url: string): void => {
    const document = { url, model: plan.model.name, replicas: plan.replicas.length, ledger: ledger?.folder ?? null };
    const lines = [`serving ${plan.model.name} at ${url}/v1`, ...(ledger === undefined ? [] : [`ledgers in ${ledger.folder}`])];
    printResult(options.json === true, document, () => lines.join("\n"));
  };
  await serveUntilSignal(stack, { http, drainSeconds: options.drainSeconds, onReady });
}
