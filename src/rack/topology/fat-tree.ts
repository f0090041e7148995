import { err, ok, type Result } from "../../base/result.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import { pairChoice } from "./pair-choice.ts";
import { draftTopology, type Topology } from "./topology.ts";
import { rateFault, sizeFault, type TopologyFault } from "./topology-fault.ts";

export interface FatTree {
  /** Ports of a switch; even. */
  readonly ports: number;
  readonly bytesPerSecond: BytesPerSecond;
}

/**
 * Three layers of equal switches with k ports: k pods of k/2 edge and k/2 aggregation switches, (k/2)^2 cores, k^3/4 devices.
 *
 * Bisection: full, half of the devices at their rate. Paths: 2 links on one edge switch, 4 in a pod, 6 between pods.
 * Source: Al-Fares, Loukissas and Vahdat, SIGCOMM 2008.
 */
export function fatTree({ ports, bytesPerSecond }: FatTree): Result<Topology, TopologyFault> {
  const fault = sizeFault({ ports }, 2) ?? rateFault({ bytesPerSecond });
  if (fault !== undefined) return err(fault);
  if (ports % 2 !== 0) return err({ code: "topology-invalid", detail: `ports is ${ports}: a fat tree needs an even number` });
  const half = ports / 2;
  const perPod = half * half;
  const devices = ports * perPod;
  const draft = draftTopology(devices);
  const edges = Array.from({ length: ports * half }, () => draft.addSwitch());
  const middles = Array.from({ length: ports * half }, () => draft.addSwitch());
  const cores = Array.from({ length: perPod }, () => draft.addSwitch());
  const up = Array.from({ length: devices }, (_, device) => draft.connect(device, edges[Math.floor(device / half)]!, bytesPerSecond));
  // Edge e of a pod to each aggregation switch of it; aggregation switch m of a pod to the cores m*half .. m*half + half - 1.
  const inPod = edges.map((edge, e) =>
    Array.from({ length: half }, (_, m) => draft.connect(edge, middles[Math.floor(e / half) * half + m]!, bytesPerSecond)),
  );
  const toCore = middles.map((middle, m) =>
    Array.from({ length: half }, (_, c) => draft.connect(middle, cores[(m % half) * half + c]!, bytesPerSecond)),
  );
  return ok(
    draft.finish({
      name: `fat tree of ${devices} devices, switches of ${ports} ports`,
      bisectionBytesPerSecond: (devices / 2) * bytesPerSecond,
      path(from, to) {
        if (from === to) return [];
        const [a, b] = [Math.floor(from / half), Math.floor(to / half)];
        if (a === b) return [up[from]!, up[to]! + 1];
        const choice = pairChoice(from, to, perPod);
        const [middle, core] = [Math.floor(choice / half), choice % half];
        const [podA, podB] = [Math.floor(a / half), Math.floor(b / half)];
        const over = podA === podB ? [] : [toCore[podA * half + middle]![core]!, toCore[podB * half + middle]![core]! + 1];
        return [up[from]!, inPod[a]![middle]!, ...over, inPod[b]![middle]! + 1, up[to]! + 1];
      },
    }),
  );
}
