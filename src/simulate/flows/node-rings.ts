/**
 * Orders of rings over nodes of devices as NCCL lays its channels: each enters a node on one rail and leaves it on the next, channels turned by one device, so
 * that every card sends and receives for one channel. Over an odd number of nodes the last hop changes the rail.
 */
export function nodeRings(nodes: number, devicesPerNode: number): number[][] {
  return Array.from({ length: devicesPerNode }, (_, channel) =>
    Array.from({ length: nodes }, (_, node) => {
      const inside = Array.from({ length: devicesPerNode }, (_, i) => node * devicesPerNode + ((channel + i) % devicesPerNode));
      return node % 2 === 0 ? inside : inside.reverse();
    }).flat(),
  );
}
