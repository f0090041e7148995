import type { Nanoseconds } from "../base/units.ts";
import type { TaskId } from "../engine/dataflow/dataflow-types.ts";
import type { CountedList } from "../policy/batching.ts";
import type { CandidateView, DataflowPolicy } from "../policy/dataflow-policy.ts";
import { earliestFinish } from "../policy/policies/earliest-finish.ts";
import type { Device } from "../rack/rack.ts";
import type { Policy, PolicyDevice, PolicyTask } from "./sdk-types.ts";

/** Name under which ledgers keep runs that a policy of the caller decided; a replay cannot make it again. */
export const OWN_POLICY = "own";
/** No candidate: the engine counts it and decides itself. */
const NO_CHOICE = -1;

/** A caller's policy as the engine asks it; gangs and what it leaves open go by the built-in one. */
export function ownPolicy(policy: Policy, devices: readonly Device[], taskOf: (task: TaskId) => PolicyTask | undefined): DataflowPolicy {
  return {
    name: OWN_POLICY,
    // The caller's function is shown views made from them.
    onlyReads: true,
    urgency: earliestFinish.urgency,
    place: (task, candidates, parameters) => {
      const known = taskOf(task.task);
      if (task.gang > 1 || known === undefined) return earliestFinish.place(task, candidates, parameters);
      const best = bestByDevice(candidates);
      const views = [...best.values()].map((at) => deviceView(candidates.at(at), devices, task.now));
      const chosen = policy(known, views);
      if (chosen === undefined) return earliestFinish.place(task, candidates, parameters);
      const device = devices.findIndex(({ id }) => id === chosen);
      return [best.get(device) ?? NO_CHOICE];
    },
  };
}

/** Of each device the candidate that ends first. */
function bestByDevice(candidates: CountedList<CandidateView>): Map<number, number> {
  const best = new Map<number, { at: number; endNs: Nanoseconds }>();
  for (let at = 0; at < candidates.length; at++) {
    const { device, loadNs, runNs } = candidates.at(at);
    const endNs = loadNs + runNs;
    if (endNs < (best.get(device)?.endNs ?? Infinity)) best.set(device, { at, endNs });
  }
  return new Map([...best].map(([device, { at }]) => [device, at]));
}

function deviceView(candidate: CandidateView, devices: readonly Device[], now: Nanoseconds): PolicyDevice {
  const { device, runNs, loadNs, basis, joules } = candidate;
  const { id, kind } = devices[device]!;
  return {
    id,
    kind,
    computeNs: basis === "guess" ? undefined : runNs,
    transferNs: Math.max(0, candidate.dataReadyAt - now),
    loadNs,
    queueNs: Math.max(0, candidate.deviceReadyAt - now),
    samples: candidate.samples,
    energyJoules: joules > 0 ? joules : undefined,
  };
}

/** The same policy; tells what each task was predicted to take where it was put. */
export function watchedPolicy(
  policy: DataflowPolicy,
  placed: (task: TaskId, device: number, runNs: Nanoseconds | undefined) => void,
): DataflowPolicy {
  return {
    ...policy,
    place: (task, candidates, parameters) => {
      const chosen = policy.place(task, candidates, parameters);
      for (const at of chosen) {
        if (at < 0 || at >= candidates.length) continue;
        const { device, runNs, basis } = candidates.at(at);
        placed(task.task, device, basis === "guess" ? undefined : runNs);
      }
      return chosen;
    },
  };
}
