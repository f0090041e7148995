import { err, ok, type Result } from "../../base/result.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import { draftTopology, type Topology } from "./topology.ts";
import { rateFault, sizeFault, type TopologyFault } from "./topology-fault.ts";

export interface Dragonfly {
  readonly devicesPerRouter: number;
  readonly routersPerGroup: number;
  /** Links of a router to other groups. */
  readonly globalPerRouter: number;
  /** One way: a device's link, links in a group, links between groups. */
  readonly deviceBytesPerSecond: BytesPerSecond;
  readonly localBytesPerSecond: BytesPerSecond;
  readonly globalBytesPerSecond: BytesPerSecond;
}

/**
 * Groups of routers that are all connected; a x h + 1 groups, of which each pair has one link.
 *
 * Bisection: groups in two halves. Paths: minimal, at most 5 links: device, router, group, router, device.
 * Source: Kim, Dally, Scott and Abts, ISCA 2008; link i of a group goes to the i-th of the other groups.
 */
export function dragonfly(sizes: Dragonfly): Result<Topology, TopologyFault> {
  const { devicesPerRouter, routersPerGroup, globalPerRouter, deviceBytesPerSecond, localBytesPerSecond, globalBytesPerSecond } = sizes;
  const fault =
    sizeFault({ devicesPerRouter, routersPerGroup, globalPerRouter }) ??
    rateFault({ deviceBytesPerSecond, localBytesPerSecond, globalBytesPerSecond });
  if (fault !== undefined) return err(fault);
  const groups = routersPerGroup * globalPerRouter + 1;
  const routerCount = groups * routersPerGroup;
  const devices = routerCount * devicesPerRouter;
  const draft = draftTopology(devices);
  const routers = Array.from({ length: routerCount }, () => draft.addSwitch());
  const up = Array.from({ length: devices }, (_, device) =>
    draft.connect(device, routers[Math.floor(device / devicesPerRouter)]!, deviceBytesPerSecond),
  );
  // local[r][q]: from the lower router q of r's group to r.
  const local = routers.map((router, r) =>
    Array.from({ length: r % routersPerGroup }, (_, q) =>
      draft.connect(routers[r - (r % routersPerGroup) + q]!, router, localBytesPerSecond),
    ),
  );
  /** Router of a group that holds its link to another one. */
  const gate = (group: number, other: number): number =>
    group * routersPerGroup + Math.floor((other < group ? other : other - 1) / globalPerRouter);
  const between = Array.from({ length: groups }, (_, g) =>
    Array.from({ length: g }, (_unused, other) => draft.connect(routers[gate(other, g)]!, routers[gate(g, other)]!, globalBytesPerSecond)),
  );
  const inGroup = (a: number, b: number): number[] => {
    if (a === b) return [];
    const [low, high] = [Math.min(a, b) % routersPerGroup, Math.max(a, b)];
    return [local[high]![low]! + (a > b ? 1 : 0)];
  };
  return ok(
    draft.finish({
      name: `dragonfly of ${devices} devices in ${groups} groups`,
      bisectionBytesPerSecond: Math.floor(groups / 2) * Math.ceil(groups / 2) * globalBytesPerSecond,
      path(from, to) {
        if (from === to) return [];
        const [a, b] = [Math.floor(from / devicesPerRouter), Math.floor(to / devicesPerRouter)];
        const [g, h] = [Math.floor(a / routersPerGroup), Math.floor(b / routersPerGroup)];
        if (g === h) return [up[from]!, ...inGroup(a, b), up[to]! + 1];
        const global = g < h ? between[h]![g]! : between[g]![h]! + 1;
        return [up[from]!, ...inGroup(a, gate(g, h)), global, ...inGroup(gate(h, g), b), up[to]! + 1];
      },
    }),
  );
}
