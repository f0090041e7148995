import type { GraphPlan } from "./graph-plan.ts";
import type { RackRecords } from "./rack-records.ts";
import type { RackReport } from "./sdk-types.ts";
import type { Session } from "./session.ts";

/** What an open rack has done and learned so far. */
export function rackReport({ machine }: Session, records: RackRecords, plans: readonly GraphPlan[]): RackReport {
  const { rack } = machine;
  const stages = plans.flatMap((plan) => plan.stages);
  return {
    devices: rack.devices.map(({ id, driver }, device) => ({ id, driver, ...records.devices[device]! })),
    transfers: [...records.transfers.values()],
    collectives: [...records.collectives.values()].map((totals) => ({ ...totals })),
    models: stages.flatMap(({ id: stage, name, refusals, pinnedTo, priors }) =>
      rack.devices.flatMap(({ id }, device) => {
        if (refusals[device] !== undefined || pinnedTo?.includes(device) === false) return [];
        const model = records.models.get(`${stage}@${device}`);
        const runs = model?.runs ?? 0;
        const meanNs = model === undefined ? undefined : model.totalNs / model.runs;
        return [{ stage: name, device: id, runs, meanNs, priorNs: priors[machine.classOf[device]!], uncalibrated: runs === 0 }];
      }),
    ),
    refusals: stages.flatMap(({ name, refusals }) =>
      refusals.flatMap((reason, device) => (reason === undefined ? [] : [{ stage: name, device: rack.devices[device]!.id, reason }])),
    ),
    ways: [...records.ways.values()],
  };
}
