import type { Nanoseconds } from "../../base/units.ts";
import type { Candidate } from "./candidate.ts";
import { lossOf, sharedRatio, wantsAlone } from "./contention.ts";
import { NONE } from "./dataflow-state.ts";
import type { DeviceId } from "./dataflow-types.ts";
import { type Flow, taskBy } from "./flow.ts";

/**
 * Other devices of the machine, `without` one, that have work when a run begins. They are taken to have some until it ends: where tasks come one by one,
 * those that come next are not known yet.
 *
 * Why: a batch is placed before its first run begins. By what ran at that moment a device of 97 ms a run beside one of 36 ms, each 1.5 times slower beside the other, was
 * given work that took 146 ms and as much of the other: batches took 1.08 times as long as without it, in virtual time.
 */
export function othersFrom(flow: Flow, device: DeviceId, { startsAt, without = NONE }: Beside): number {
  const machine = flow.state.histories.contention.machineOf[device]!;
  if (machine < 0) return 0;
  let others = 0;
  for (const other of flow.map.devicesOfMachine[machine]!) {
    if (other !== device && other !== without && workUntil(flow, other) > startsAt) others++;
  }
  return others;
}

interface Beside {
  readonly startsAt: Nanoseconds;
  readonly without?: DeviceId;
}

/** When a candidate's run begins. */
export function startOf({ deviceReadyAt, loadNs, dataReadyAt }: Pick<Candidate, "deviceReadyAt" | "loadNs" | "dataReadyAt">): Nanoseconds {
  return Math.max(deviceReadyAt + loadNs, dataReadyAt);
}

/**
 * Fills in what each candidate's run takes from the other devices of its machine that have work then: its time times what it costs them, Infinity where one of them is to run alone for once. And what the task would take elsewhere, were the candidate's device idle.
 */
export function priceBurdens(flow: Flow, candidates: readonly Candidate[]): void {
  const { contention } = flow.state.histories;
  const { machineOf, share } = contention;
  for (const candidate of candidates) {
    candidate.burdenNs = 0;
    candidate.elsewhereNs = Infinity;
    const machine = machineOf[candidate.device]!;
    if (machine < 0) continue;
    const startsAt = startOf(candidate);
    for (const other of candidates) {
      if (other.device === candidate.device) continue;
      const { others, runNs } = other;
      const without = othersFrom(flow, other.device, { startsAt: startOf(other), without: candidate.device });
      const ratio = sharedRatio(contention, other.device, { others: without, meanOthers: others });
      candidate.elsewhereNs = Math.min(candidate.elsewhereNs, runNs * ratio);
    }
    for (const other of flow.map.devicesOfMachine[machine]!) {
      if (other === candidate.device || (share[other] === 0 && !wantsAlone(contention, other))) continue;
      if (workUntil(flow, other) <= startsAt) continue;
      const beside = othersFrom(flow, other, { startsAt, without: candidate.device });
      candidate.burdenNs += wantsAlone(contention, other) ? Infinity : candidate.runNs * lossOf(contention, other, beside);
    }
  }
}

/** When a device has done all it has been given. */
function workUntil(flow: Flow, device: DeviceId): Nanoseconds {
  const { run, busyUntil, queuedNs, staged } = flow.state.devices[device]!;
  const running = run === NONE ? flow.now : Math.max(flow.now, busyUntil);
  return running + queuedNs + (staged === NONE ? 0 : taskBy(flow, staged).predictedNs);
}
