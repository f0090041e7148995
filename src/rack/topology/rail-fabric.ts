import { err, ok, type Result } from "../../base/result.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import { pairChoice } from "./pair-choice.ts";
import { draftTopology, type Topology } from "./topology.ts";
import { rateFault, sizeFault, type TopologyFault } from "./topology-fault.ts";

export interface RailFabric {
  readonly nodes: number;
  readonly devicesPerNode: number;
  /** Nodes whose devices of one rail share a leaf switch. */
  readonly nodesPerGroup: number;
  /** Spine switches that connect the leaves of a rail; 0 where there is one group. */
  readonly spinesPerRail: number;
  /** One way: all links of a device inside its node; its network card; a leaf's link to one spine. */
  readonly scaleUpBytesPerSecond: BytesPerSecond;
  readonly cardBytesPerSecond: BytesPerSecond;
  readonly spineBytesPerSecond: BytesPerSecond;
}

/**
 * Rail-optimised clusters: device i of every node has its card on rail i, rails meet only inside nodes.
 *
 * Bisection: nodes in two halves, each device over its rail: cards, or what leaves have to spines. Paths: 2 links in a node; between nodes first to the own
 * node's device on the target's rail, then over leaves (2 links), or leaves and a spine (4).
 */
export function railFabric(sizes: RailFabric): Result<Topology, TopologyFault> {
  const { nodes, devicesPerNode, nodesPerGroup, spinesPerRail, scaleUpBytesPerSecond, cardBytesPerSecond, spineBytesPerSecond } = sizes;
  const groups = Math.ceil(nodes / nodesPerGroup);
  const fault =
    sizeFault({ nodes, devicesPerNode, nodesPerGroup }) ??
    sizeFault({ spinesPerRail }, groups > 1 ? 1 : 0) ??
    rateFault({ scaleUpBytesPerSecond, cardBytesPerSecond, spineBytesPerSecond });
  if (fault !== undefined) return err(fault);
  const devices = nodes * devicesPerNode;
  const draft = draftTopology(devices);
  const inside = Array.from({ length: nodes }, () => draft.addSwitch());
  const leaves = Array.from({ length: devicesPerNode * groups }, () => draft.addSwitch());
  const spines = Array.from({ length: devicesPerNode * spinesPerRail }, () => draft.addSwitch());
  const leafOf = (device: number): number =>
    (device % devicesPerNode) * groups + Math.floor(Math.floor(device / devicesPerNode) / nodesPerGroup);
  const toNode = Array.from({ length: devices }, (_, device) =>
    draft.connect(device, inside[Math.floor(device / devicesPerNode)]!, scaleUpBytesPerSecond),
  );
  const toLeaf = Array.from({ length: devices }, (_, device) => draft.connect(device, leaves[leafOf(device)]!, cardBytesPerSecond));
  const toSpine = leaves.map((leaf, l) =>
    Array.from({ length: spinesPerRail }, (_, s) =>
      draft.connect(leaf, spines[Math.floor(l / groups) * spinesPerRail + s]!, spineBytesPerSecond),
    ),
  );
  const cards = Math.floor(nodes / 2) * devicesPerNode * cardBytesPerSecond;
  const spineRate = Math.floor(groups / 2) * devicesPerNode * spinesPerRail * spineBytesPerSecond;
  return ok(
    draft.finish({
      name: `${nodes} nodes of ${devicesPerNode} on rails`,
      bisectionBytesPerSecond: groups > 1 ? Math.min(cards, spineRate) : cards,
      path(from, to) {
        if (from === to) return [];
        const [a, b] = [Math.floor(from / devicesPerNode), Math.floor(to / devicesPerNode)];
        if (a === b) return [toNode[from]!, toNode[to]! + 1];
        const gate = a * devicesPerNode + (to % devicesPerNode);
        const within = gate === from ? [] : [toNode[from]!, toNode[gate]! + 1];
        const [leafA, leafB] = [leafOf(gate), leafOf(to)];
        const spine = pairChoice(from, to, Math.max(1, spinesPerRail));
        const over = leafA === leafB ? [] : [toSpine[leafA]![spine]!, toSpine[leafB]![spine]! + 1];
        return [...within, toLeaf[gate]!, ...over, toLeaf[to]! + 1];
      },
    }),
  );
}
