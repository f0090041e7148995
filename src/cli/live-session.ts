import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { mix32 } from "../base/prng.ts";
import type { PricedStepCost, StepCostInput } from "../cost/step-cost-from.ts";
import type { ObservedRun } from "../execute/calibrate/calibration-store.ts";
import { liveTrial, type TrialRequest } from "../execute/calibrate/live-trial.ts";
import { startLiveFleet } from "../execute/fleet-host/live-fleet.ts";
import type { RequestRecord } from "../simulate/metrics/request-record.ts";
import { observeRequests } from "./live-observation.ts";
import type { PlanInput } from "./plan-input.ts";
import { liveRecords, readTrialLedgers } from "./trial-ledgers.ts";

/** Requests each replica gets before the first probe: the first iterations of a process are slower than all that follow. */
const WARM_UP: readonly TrialRequest[] = [
  { atNs: 0, promptTokens: 300, outputTokens: 12 },
  { atNs: 0, promptTokens: 100, outputTokens: 12 },
];
/** A probe's requests for each replica, all at once: about 3 s of prompts and of decoding two rows of SmolLM2 on one core. */
const PROBE: readonly TrialRequest[] = [
  { atNs: 0, promptTokens: 300, outputTokens: 60 },
  { atNs: 0, promptTokens: 150, outputTokens: 60 },
];
/** Ledgers reach the disk at least every 100 ms. Units: ms. */
const LEDGER_SETTLE_MS = 250;

export interface SessionOptions {
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Cost models of the replicas, to hold what is observed against. */
  readonly costs: readonly PricedStepCost[];
}

/** What a live list of requests gave. */
export interface LiveOutcome {
  readonly records: readonly RequestRecord[];
  /** By replica. */
  readonly observed: readonly ObservedRun[];
}

/** A live fleet of a plan that runs lists of requests one after the other. */
export interface LiveSession {
  /** A fixed short list that shows how fast the machine is now. */
  probe(): Promise<readonly ObservedRun[]>;
  run(requests: readonly TrialRequest[], onProgress?: (ended: number) => void): Promise<LiveOutcome>;
  /** Ends the hosts and removes the ledgers. */
  close(): Promise<void>;
}

/** Starts a plan's fleet and warms it up. Errors: those of the fleet; `interrupted` by the signal. */
export async function startLiveSession(
  input: PlanInput & { readonly costs: readonly StepCostInput[] },
  options: SessionOptions,
): Promise<LiveSession> {
  const { plan, model, rack } = input;
  const { signal, costs } = options;
  const folder = mkdtempSync(join(tmpdir(), "heddle-verify-"));
  const fleet = startLiveFleet({ plan, costs: input.costs, ledger: { folder, tokens: "dropped" } });
  let submitted = 0;
  let lists = 0;
  const close = async (): Promise<void> => {
    await fleet.close();
    rmSync(folder, { recursive: true, force: true });
  };
  /** Lists have seeds of their own, so no prompt finds another's blocks. */
  const send = async (requests: readonly TrialRequest[], onProgress?: (ended: number) => void): Promise<LiveOutcome> => {
    const from = submitted;
    submitted += requests.length;
    const seed = mix32(mix32(options.seed) + lists++);
    const trial = { vocabulary: model.spec.vocabulary, seed, signal, ...(onProgress === undefined ? {} : { onProgress }) };
    try {
      await liveTrial(fleet, requests, trial);
    } catch (thrown) {
      throw signal.aborted ? new HeddleError("interrupted") : thrown;
    }
    await setTimeout(LEDGER_SETTLE_MS);
    const ledgers = readTrialLedgers(folder);
    const range = { from, to: submitted };
    const records = liveRecords(must(ledgers.fleet, "a live run leaves the fleet's ledger"));
    return {
      records: records.filter(({ request }) => request >= range.from && request < range.to),
      observed: observeRequests(ledgers, { plan, rack, costs }, range),
    };
  };
  const each = (list: readonly TrialRequest[]): readonly TrialRequest[] => list.flatMap((request) => plan.replicas.map(() => request));
  try {
    await fleet.up();
    await send(each(WARM_UP));
  } catch (thrown) {
    await close();
    throw signal.aborted ? new HeddleError("interrupted") : thrown;
  }
  return { probe: async () => (await send(each(PROBE))).observed, run: send, close };
}
