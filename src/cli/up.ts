import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { checkAddress } from "../serve/http-server.ts";
import { type FirstPrompt, firstPromptText, measureFirstPrompt } from "./first-prompt.ts";
import { httpOptions, ledgerPlace } from "./http-and-ledger.ts";
import { note, printResult } from "./output.ts";
import { type MadePlan, makePlan, type PlanFlags, planText } from "./plan.ts";
import { rackText } from "./rack-text.ts";
import { predictedText, startLearning } from "./serve-learning.ts";
import { serveUntilSignal } from "./serve-until-signal.ts";
import type { LearnOptions, LedgerOptions, ServingOptions } from "./serving-options.ts";
import { type ServingStack, startStack } from "./serving-stack.ts";

/** Options of a model planned on this machine. */
export interface LocalFlags extends PlanFlags, LedgerOptions {
  readonly model: string;
  readonly queueLimit?: number;
}

type UpOptions = LocalFlags & ServingOptions & LearnOptions & { readonly json?: boolean };

/** Pulls, discovers, calibrates and plans; whatever was done before is read from the cache. */
export async function makeLocalPlan(flags: LocalFlags): Promise<MadePlan> {
  const made = await makePlan(flags.model, flags);
  if (flags.queueLimit === undefined) return made;
  const policy = { ...made.plan.policy, queueLimit: flags.queueLimit };
  return { ...made, plan: { ...made.plan, policy } };
}

export async function up(options: UpOptions): Promise<void> {
  const http = httpOptions(options);
  const ledger = ledgerPlace(options);
  // The first start measures for minutes; that its port is taken is said before.
  await checkAddress(http);
  const made = await makeLocalPlan(options);
  if (options.json !== true) note(`${rackText(made.rack)}\n\n${planText(made.plan)}\n`);
  const input = { plan: made.plan, rack: made.rack, model: openDecoderModel(made.modelPath) };
  const stack = startStack({ ...input, ledger });
  const learning = startLearning(stack, input, options);
  const onReady = async (url: string, signal: AbortSignal): Promise<void> => {
    const first = await measureFirstPrompt(stack, signal);
    printResult(options.json === true, readyDocument(made, { stack, first, url }), () => readyText(stack, first, url));
  };
  await serveUntilSignal(stack, { http, drainSeconds: options.drainSeconds, onReady, onDrained: learning.stop });
}

function readyText(stack: ServingStack, first: FirstPrompt | undefined, url: string): string {
  const body = JSON.stringify({
    model: stack.plan.model.name,
    stream: true,
    messages: [{ role: "user", content: "Tell me about the sea." }],
  });
  return [
    ...(first === undefined ? [] : [firstPromptText(first)]),
    predictedText(stack),
    "",
    `serving ${stack.plan.model.name} at ${url}/v1`,
    ...(stack.ledger === undefined ? [] : [`ledgers in ${stack.ledger.folder}`]),
    `  curl -N ${url}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
  ].join("\n");
}

function readyDocument(made: MadePlan, ready: { stack: ServingStack; first: FirstPrompt | undefined; url: string }): unknown {
  const { stack, first, url } = ready;
  const devices = made.rack.devices.map(({ id, driver, threads, calibration }) => ({
    id,
    driver,
    threads,
    calibrated: calibration !== undefined,
  }));
  return { url, model: stack.plan.model.name, devices, plan: made.plan, firstPrompt: first ?? null, ledger: stack.ledger?.folder ?? null };
}
