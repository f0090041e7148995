import { must } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import { besideShares, type WorkSpan } from "../cost/beside-share.ts";
import type { PricedStepCost } from "../cost/step-cost-from.ts";
import type { FleetCommand, FleetEvent } from "../engine/fleet-engine-types.ts";
import type { RequestId } from "../engine/messages.ts";
import { replayLedger } from "../engine/replay.ts";
import { engineOfLedger } from "../engine/replay-engine.ts";
import type { ObservedRun } from "../execute/calibrate/calibration-store.ts";
import { observeRun } from "../execute/calibrate/observe-run.ts";
import type { ObservedStep } from "../execute/calibrate/watch-steps.ts";
import type { Plan } from "../plan/plan.ts";
import type { Device, Rack } from "../rack/rack.ts";
import type { TrialLedgers } from "./trial-ledgers.ts";

/** Which requests of a live run are meant: from the first up to before the second. */
export interface RequestRange {
  readonly from: RequestId;
  readonly to: RequestId;
}

export interface ObservationInput {
  readonly plan: Plan;
  readonly rack: Rack;
  readonly costs: readonly PricedStepCost[];
}

type ReplicaLedger = TrialLedgers["replicas"][number]["ledger"];

/**
 * What the replicas did between the arrival of a request and that of another, with what worked beside each step. A host's clock begins with its process:
 * its times are put on the fleet's clock by the fastest of the submits it got, so they are late by the latency of a message and no more.
 */
export function observeRequests(
  ledgers: TrialLedgers,
  { plan, rack, costs }: ObservationInput,
  range: RequestRange,
): readonly ObservedRun[] {
  const fleet = submissions(must(ledgers.fleet, "a live run leaves the fleet's ledger"));
  const fromNs = fleet.arrivals.get(range.from) ?? 0;
  const toNs = fleet.arrivals.get(range.to) ?? Infinity;
  const replicas = costs.map((cost, replica) =>
    ledgers.replicas
      .filter((life) => life.replica === replica)
      .flatMap(({ ledger }) => {
        const offsetNs = clockOffset(ledger, fleet.sends);
        return observeRun(ledger, cost)
          .map((step) => ({ ...step, startNs: step.startNs - offsetNs, endNs: step.endNs - offsetNs }))
          .filter(({ startNs }) => startNs >= fromNs && startNs < toNs);
      }),
  );
  return withNeighbours(replicas, { plan, rack });
}

/** The steps of all replicas on one clock, with what worked beside each. Stages of a step follow one another from its start. */
export function withNeighbours(
  replicas: readonly (readonly ObservedStep[])[],
  { plan, rack }: Pick<ObservationInput, "plan" | "rack">,
): readonly ObservedRun[] {
  const devices = plan.replicas.map(({ stages }) =>
    stages.map(({ device }) =>
      must(
        rack.devices.find(({ id }) => id === device),
        "the plan's devices are the rack's",
      ),
    ),
  );
  const spans = replicas.flatMap((steps, replica) => steps.flatMap((step) => spansOf(step, devices[replica]!)));
  const shares = besideShares(spans, rack.devices);
  let at = 0;
  return replicas.map((steps) => ({
    stages: steps.flatMap(({ decodeRows, promptTokens, stages }) =>
      stages.map((stage) => ({ ...stage, decodeRows, promptTokens, besideShare: shares[at++]! })),
    ),
    overheads: steps.flatMap(({ overhead }) => (overhead === undefined ? [] : [overhead])),
  }));
}

function spansOf({ startNs, stages }: ObservedStep, devices: readonly Device[]): readonly WorkSpan[] {
  let at = startNs;
  return stages.map(({ measuredNs }, stage) => {
    const span = { device: must(devices[stage], "a device of the stage"), startNs: at, endNs: at + measuredNs };
    at = span.endNs;
    return span;
  });
}

interface Submissions {
  readonly arrivals: ReadonlyMap<RequestId, Nanoseconds>;
  /** When each attempt at a request was sent to a host, by `sendKey`. */
  readonly sends: ReadonlyMap<string, Nanoseconds>;
}

function submissions(ledger: NonNullable<TrialLedgers["fleet"]>): Submissions {
  const arrivals = new Map<RequestId, Nanoseconds>();
  const sends = new Map<string, Nanoseconds>();
  replayLedger(ledger, (header, state) => {
    const engine = engineOfLedger(header, state);
    return {
      step: (event, now) => {
        const arrived = event as FleetEvent;
        if (arrived.type === "request-arrived") arrivals.set(arrived.request, now);
        const commands = engine.step(event, now);
        for (const command of commands as readonly FleetCommand[]) {
          if (command.type === "send" && command.message.type === "submit") sends.set(sendKey(command.message), now);
        }
        return commands;
      },
    };
  });
  return { arrivals, sends };
}

function sendKey({ request, attempt }: { readonly request: RequestId; readonly attempt: number }): string {
  return `${request}/${attempt}`;
}

/** What a host's clock is ahead of the fleet's. Units: ns. */
function clockOffset(ledger: ReplicaLedger, sends: Submissions["sends"]): Nanoseconds {
  let least = Infinity;
  for (const { at, event } of ledger.events) {
    if (event.type !== "message" || !("message" in event) || event.message.type !== "submit") continue;
    const sent = sends.get(sendKey(event.message));
    if (sent !== undefined) least = Math.min(least, at - sent);
  }
  return least === Infinity ? 0 : least;
}
