import type { StepCostInput } from "../cost/step-cost-from.ts";
import { type LiveFleet, startLiveFleet } from "../execute/fleet-host/live-fleet.ts";
import { planCosts } from "../execute/fleet-host/plan-costs.ts";
import { createTextFront, type TextFront } from "../execute/front-end/text-front.ts";
import type { LedgerPlace } from "../execute/replica-host/host-protocol.ts";
import type { DecoderModel } from "../graph/decoder/model.ts";
import { loadTokenizer } from "../graph/tokenizer/tokenizer.ts";
import type { Plan } from "../plan/plan.ts";
import type { Rack } from "../rack/rack.ts";

/** A plan that runs: its fleet with the text front end before it. */
export interface ServingStack {
  readonly plan: Plan;
  readonly costs: readonly StepCostInput[];
  readonly fleet: LiveFleet;
  readonly front: TextFront;
  readonly ledger: LedgerPlace | undefined;
}

export interface StackInput {
  readonly plan: Plan;
  readonly model: DecoderModel;
  readonly rack: Rack;
  readonly ledger: LedgerPlace | undefined;
}

/** Begins to start the hosts of a plan. Requests wait until one is up. Errors: `plan-invalid`, `file-unwritable`. */
export function startStack(input: StackInput): ServingStack {
  const { plan, model, rack, ledger } = input;
  const costs = planCosts(plan, model, rack);
  const tokenizer = loadTokenizer(model.tokenizer);
  const fleet = startLiveFleet(ledger === undefined ? { plan, costs } : { plan, costs, ledger });
  return { plan, costs, fleet, front: createTextFront(plan, fleet, tokenizer), ledger };
}

/** Waits until all hosts are up. Errors: what keeps one from starting; `interrupted` by the signal. */
export async function untilUp({ fleet }: ServingStack, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    fleet
      .up()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", stop));
  });
}
