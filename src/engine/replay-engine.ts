import { HeddleError } from "../base/heddle-error.ts";
import type { StepCost } from "../cost/step-cost.ts";
import { stepCostFrom } from "../cost/step-cost-from.ts";
import { chunkedPrefill } from "../policy/policies/chunked-prefill.ts";
import { earliestFinish } from "../policy/policies/earliest-finish.ts";
import { pricedRouting } from "../policy/policies/priced-routing.ts";
import { createDataflowEngine } from "./dataflow/dataflow-engine.ts";
import type { DataflowState } from "./dataflow/dataflow-state.ts";
import type { DataflowEvent } from "./dataflow/dataflow-types.ts";
import { createFleetEngine } from "./fleet-engine.ts";
import type { FleetEvent } from "./fleet-engine-types.ts";
import type { FleetState } from "./fleet-state.ts";
import type { LedgerHeader } from "./ledger.ts";
import type { ReplayEngine } from "./replay.ts";
import { createReplicaEngine } from "./replica-engine.ts";
import type { ReplicaEvent } from "./replica-engine-types.ts";
import type { ReplicaState } from "./replica-state.ts";

const BATCHING = [chunkedPrefill];
const ROUTING = [pricedRouting];
const DATAFLOW = [earliestFinish];

/**
 * The engine a ledger's header describes: configuration, policy by name, cost models from the figures the run was made with.
 *
 * Errors: `ledger-invalid` naming what cannot be made.
 */
export function engineOfLedger(header: LedgerHeader, state?: unknown): ReplayEngine {
  const { node } = header;
  const costs = costsOf(header);
  if (node.type === "fleet") {
    const engine = createFleetEngine(node.config, { routing: named(ROUTING, node.policy), costs }, state as FleetState | undefined);
    return { step: (event, now) => engine.step(event as FleetEvent, now) };
  }
  if (node.type === "dataflow") {
    const engine = createDataflowEngine(node.config, named(DATAFLOW, node.policy), state as DataflowState | undefined);
    return { step: (event, now) => engine.step(event as DataflowEvent, now) };
  }
  const [cost] = costs;
  if (cost === undefined) throw invalid("costs", "a replica's ledger holds one cost input");
  const engine = createReplicaEngine(node.config, { batching: named(BATCHING, node.policy), cost }, state as ReplicaState | undefined);
  return { step: (event, now) => engine.step(event as ReplicaEvent, now) };
}

function costsOf({ costs }: LedgerHeader): StepCost[] {
  return costs.map((input, i) => {
    try {
      const cost = stepCostFrom(input);
      if (cost.ok) return cost.value;
      throw invalid(`costs[${i}]`, `no ${cost.error.missing} for device ${cost.error.device}`);
    } catch (thrown) {
      if (thrown instanceof HeddleError) throw thrown;
      throw invalid(`costs[${i}]`, thrown instanceof Error ? thrown.message : String(thrown));
    }
  });
}

function named<Policy extends { readonly name: string }>(policies: readonly Policy[], name: string): Policy {
  const found = policies.find((policy) => policy.name === name);
  if (found === undefined)
    throw invalid("policy", `${JSON.stringify(name)} is not known; known are ${policies.map((one) => one.name).join(", ")}`);
  return found;
}

function invalid(field: string, detail: string): HeddleError {
  return new HeddleError("ledger-invalid", { where: `header, ${field}`, detail });
}
