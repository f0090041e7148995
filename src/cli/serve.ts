import { httpOptions, ledgerPlace } from "./http-and-ledger.ts";
import { printResult } from "./output.ts";
import { openPlan } from "./plan-input.ts";
import { serveUntilSignal } from "./serve-until-signal.ts";
import type { LedgerOptions, ServingOptions } from "./serving-options.ts";
import { startStack } from "./serving-stack.ts";

type ServeOptions = ServingOptions & LedgerOptions & { readonly rack?: string; readonly json?: boolean };

export async function serve(path: string, options: ServeOptions): Promise<void> {
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
