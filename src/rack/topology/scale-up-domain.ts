import { err, ok, type Result } from "../../base/result.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import { draftTopology, type Topology } from "./topology.ts";
import { rateFault, sizeFault, type TopologyFault } from "./topology-fault.ts";

export interface ScaleUpDomain {
  readonly devices: number;
  /** All links of one device together, one way. */
  readonly bytesPerSecond: BytesPerSecond;
}

/**
 * Devices around switches that give every pair its full rate, such as 8 H100 on 4 NVSwitches or the 72 of an NVL72 on 18: hardware stripes each transfer
 * evenly over all planes, so one switch with the sum of them stands for all.
 *
 * Bisection: half of the devices at their full rate. Paths: 2 links.
 */
export function scaleUpDomain({ devices, bytesPerSecond }: ScaleUpDomain): Result<Topology, TopologyFault> {
  const fault = sizeFault({ devices }) ?? rateFault({ bytesPerSecond });
  if (fault !== undefined) return err(fault);
  const draft = draftTopology(devices);
  const centre = draft.addSwitch();
  for (let device = 0; device < devices; device++) draft.connect(device, centre, bytesPerSecond);
  return ok(
    draft.finish({
      name: `scale-up domain of ${devices}`,
      bisectionBytesPerSecond: Math.floor(devices / 2) * bytesPerSecond,
      path: (from, to) => (from === to ? [] : [2 * from, 2 * to + 1]),
    }),
  );
}
