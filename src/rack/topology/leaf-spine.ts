import { err, ok, type Result } from "../../base/result.ts";
import type { BytesPerSecond } from "../../base/units.ts";
import { pairChoice } from "./pair-choice.ts";
import { draftTopology, type Topology } from "./topology.ts";
import { rateFault, sizeFault, type TopologyFault } from "./topology-fault.ts";

export interface LeafSpine {
  readonly leaves: number;
  readonly devicesPerLeaf: number;
  readonly spines: number;
  /** One way: a device's card, and a leaf's link to one spine. */
  readonly cardBytesPerSecond: BytesPerSecond;
  readonly spineBytesPerSecond: BytesPerSecond;
}

/**
 * Two layers of switches: devices on leaves, every leaf on every spine. What a leaf's cards can send over what it has to spines is its oversubscription.
 *
 * Bisection: leaves in two halves, their cards or their links to spines. Paths: 2 links on one leaf, else 4 over the spine that the pair is hashed to.
 */
export function leafSpine(sizes: LeafSpine): Result<Topology, TopologyFault> {
  const { leaves, devicesPerLeaf, spines, cardBytesPerSecond, spineBytesPerSecond } = sizes;
  const fault = sizeFault({ leaves, devicesPerLeaf, spines }) ?? rateFault({ cardBytesPerSecond, spineBytesPerSecond });
  if (fault !== undefined) return err(fault);
  const draft = draftTopology(leaves * devicesPerLeaf);
  const leafOf = (device: number): number => Math.floor(device / devicesPerLeaf);
  const leafSwitches = Array.from({ length: leaves }, () => draft.addSwitch());
  const spineSwitches = Array.from({ length: spines }, () => draft.addSwitch());
  const up = Array.from({ length: leaves * devicesPerLeaf }, (_, device) =>
    draft.connect(device, leafSwitches[leafOf(device)]!, cardBytesPerSecond),
  );
  const toSpine = leafSwitches.map((leaf) => spineSwitches.map((spine) => draft.connect(leaf, spine, spineBytesPerSecond)));
  const [cards, uplinks] = [devicesPerLeaf * cardBytesPerSecond, spines * spineBytesPerSecond];
  return ok(
    draft.finish({
      name: `${leaves} leaves of ${devicesPerLeaf} devices, ${spines} spines, ${(cards / uplinks).toFixed(1)} : 1`,
      bisectionBytesPerSecond:
        leaves > 1 ? Math.floor(leaves / 2) * Math.min(cards, uplinks) : Math.floor(devicesPerLeaf / 2) * cardBytesPerSecond,
      path(from, to) {
        if (from === to) return [];
        const [a, b] = [leafOf(from), leafOf(to)];
        const spine = pairChoice(from, to, spines);
        const over = a === b ? [] : [toSpine[a]![spine]!, toSpine[b]![spine]! + 1];
        return [up[from]!, ...over, up[to]! + 1];
      },
    }),
  );
}
