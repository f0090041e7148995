import { err, ok, type Result } from "../../base/result.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import { draftTopology, type Topology } from "./topology.ts";
import { rateFault, sizeFault, type TopologyFault } from "./topology-fault.ts";

export interface HostNode {
  readonly devices: number;
  /** Devices behind one PCIe switch, and switches on one processor socket. */
  readonly devicesPerSwitch: number;
  readonly switchesPerSocket: number;
  /** One device's PCIe link, a switch's way up to its socket, and the way between two sockets; one way. */
  readonly pcieBytesPerSecond: BytesPerSecond;
  readonly uplinkBytesPerSecond: BytesPerSecond;
  readonly socketBytesPerSecond: BytesPerSecond;
}

/**
 * A server whose devices meet over PCIe alone: switches, sockets, and links between all sockets.
 *
 * Bisection: sockets in two halves; on one socket its switches; behind one switch its devices. Paths: 2 links behind one switch, 4 on one socket, 5
 * over two.
 */
export function hostNode(sizes: HostNode): Result<Topology, TopologyFault> {
  const { devices, devicesPerSwitch, switchesPerSocket, pcieBytesPerSecond, uplinkBytesPerSecond, socketBytesPerSecond } = sizes;
  const fault =
    sizeFault({ devices, devicesPerSwitch, switchesPerSocket }) ??
    rateFault({ pcieBytesPerSecond, uplinkBytesPerSecond, socketBytesPerSecond });
  if (fault !== undefined) return err(fault);
  const draft = draftTopology(devices);
  const switchCount = Math.ceil(devices / devicesPerSwitch);
  const socketCount = Math.ceil(switchCount / switchesPerSocket);
  const switches = Array.from({ length: switchCount }, () => draft.addSwitch());
  const sockets = Array.from({ length: socketCount }, () => draft.addSwitch());
  const up = Array.from({ length: devices }, (_, device) =>
    draft.connect(device, switches[Math.floor(device / devicesPerSwitch)]!, pcieBytesPerSecond),
  );
  const uplinks = switches.map((vertex, i) => draft.connect(vertex, sockets[Math.floor(i / switchesPerSocket)]!, uplinkBytesPerSecond));
  const between = sockets.map((vertex, i) => sockets.slice(0, i).map((other) => draft.connect(other, vertex, socketBytesPerSecond)));
  const crossing = (a: number, b: number): number => (a < b ? between[b]![a]! : between[a]![b]! + 1);
  const halves = (count: number): number => Math.floor(count / 2);
  return ok(
    draft.finish({
      name: `node of ${devices} devices on ${switchCount} PCIe switches and ${socketCount} sockets`,
      bisectionBytesPerSecond:
        socketCount > 1
          ? Math.min(halves(socketCount) * Math.ceil(socketCount / 2) * socketBytesPerSecond, halves(switchCount) * uplinkBytesPerSecond)
          : switchCount > 1
            ? halves(switchCount) * uplinkBytesPerSecond
            : halves(devices) * pcieBytesPerSecond,
      path(from, to) {
        if (from === to) return [];
        const [a, b] = [Math.floor(from / devicesPerSwitch), Math.floor(to / devicesPerSwitch)];
        if (a === b) return [up[from]!, up[to]! + 1];
        const [s, t] = [Math.floor(a / switchesPerSocket), Math.floor(b / switchesPerSocket)];
        const middle = s === t ? [] : [crossing(s, t)];
        return [up[from]!, uplinks[a]!, ...middle, uplinks[b]! + 1, up[to]! + 1];
      },
    }),
  );
}
