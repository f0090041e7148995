import { httpOptions, ledgerPlace } from "./http-and-ledger.ts";
import { printResult } from "./output.ts";
import { openPlan } from "./plan-input.ts";
import { predictedText, startLearning } from "./serve-learning.ts";
import { serveUntilSignal } from "./serve-until-signal.ts";
import type { LearnOptions, LedgerOptions, ServingOptions } from "./serving-options.ts";
import { startStack } from "./serving-stack.ts";

type ServeOptions = ServingOptions & LedgerOptions & LearnOptions & { readonly rack?: string; readonly json?: boolean };

export async function serve(path: string, options: ServeOptions): Promise<void> {
  const input = openPlan(path, options.rack);
  const { plan, rack, model } = input;
  const http = httpOptions(options);
  const ledger = ledgerPlace(options);
  const stack = startStack({ plan, model, rack, ledger });
  const learning = startLearning(stack, input, options);
  const onReady = (url: string): void => {
    const document = { url, model: plan.model.name, replicas: plan.replicas.length, ledger: ledger?.folder ?? null };
    const lines = [
      `serving ${plan.model.name} at ${url}/v1`,
      ...(ledger === undefined ? [] : [`ledgers in ${ledger.folder}`]),
      predictedText(stack),
    ];
    printResult(options.json === true, document, () => lines.join("\n"));
  };
  await serveUntilSignal(stack, { http, drainSeconds: options.drainSeconds, onReady, onDrained: learning.stop });
}
