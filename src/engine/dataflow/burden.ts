import type { Nanoseconds } from "../../base/units.ts";
import type { Candidate } from "./candidate.ts";
import { lossOf, othersNow, sharedRatio, wantsAlone } from "./contention.ts";
import { NONE } from "./dataflow-state.ts";
import type { DeviceId } from "./dataflow-types.ts";
import { type Flow, taskBy } from "./flow.ts";

/** Other devices of the machine that run now beside a device. */
export function othersBeside(flow: Flow, device: DeviceId): number {
  const { histories, devices } = flow.state;
  return othersNow(histories.contention, device, devices[device]!.run !== NONE);
}

/**
 * Fills in what each candidate's run takes from the other devices of its machine: of the time they still have to run, the part that lies within it, times
 * what it costs them, Infinity where one of them is to run alone for once. And what the task would take elsewhere, were the candidate's device idle.
 */
export function priceBurdens(flow: Flow, candidates: readonly Candidate[]): void {
  const { contention } = flow.state.histories;
  const { machineOf, share } = contention;
  for (const candidate of candidates) {
    candidate.burdenNs = 0;
    candidate.elsewhereNs = Infinity;
    const machine = machineOf[candidate.device]!;
    if (machine < 0) continue;
    const startsAt = Math.max(candidate.deviceReadyAt + candidate.loadNs, candidate.dataReadyAt);
    const runs = flow.state.devices[candidate.device]!.run === NONE ? 0 : 1;
    for (const other of candidates) {
      if (other.device === candidate.device) continue;
      const others = othersBeside(flow, other.device);
      const without = machineOf[other.device] === machine ? others - runs : others;
      const ratio = sharedRatio(contention, other.device, { others: without, meanOthers: others });
      candidate.elsewhereNs = Math.min(candidate.elsewhereNs, other.runNs * ratio);
    }
    for (const other of flow.map.devicesOfMachine[machine]!) {
      if (other === candidate.device || (share[other] === 0 && !wantsAlone(contention, other))) continue;
      const leftNs = Math.min(candidate.runNs, workUntil(flow, other) - startsAt);
      if (leftNs <= 0) continue;
      candidate.burdenNs += wantsAlone(contention, other) ? Infinity : leftNs * lossOf(contention, other, othersBeside(flow, other) - runs);
    }
  }
}

/** When a device has done all it has been given. */
function workUntil(flow: Flow, device: DeviceId): Nanoseconds {
  const { run, busyUntil, queuedNs, staged } = flow.state.devices[device]!;
  const running = run === NONE ? flow.now : Math.max(flow.now, busyUntil);
  return running + queuedNs + (staged === NONE ? 0 : taskBy(flow, staged).predictedNs);
}
