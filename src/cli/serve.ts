import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import { loadCachedRack } from "../execute/discover/rack-cache.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import type { Plan } from "../plan/plan.ts";
import { readPlan } from "../plan/plan-file.ts";
import type { Rack } from "../rack/rack.ts";
import { readRack } from "../rack/rack-file.ts";
import { printResult } from "./output.ts";
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
  const plan = readPlan(readText(path));
  const rack = rackOf(plan, options.rack);
  const model = openDecoderModel(plan.model.path);
  readPlan(JSON.stringify(plan), { layers: model.spec.layers });
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

/** The rack a plan was made for. Errors: `rack-invalid` where it is unknown or another one. */
function rackOf(plan: Plan, path: string | undefined): Rack {
  const rack = path === undefined ? loadCachedRack(plan.rackFingerprint) : readRack(readText(path));
  if (rack === undefined) {
    throw new HeddleError("rack-invalid", {
      where: plan.rackFingerprint,
      detail: "the plan's rack is not in the cache; give its file with --rack",
    });
  }
  if (rack.fingerprint === plan.rackFingerprint) return rack;
  throw new HeddleError("rack-invalid", {
    where: "fingerprint",
    detail: `${rack.fingerprint}, but the plan was made for ${plan.rackFingerprint}`,
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}
