import { deviceOf, type PlacedReplicas } from "./fabric-place.ts";

/** A replica of a pool on a fabric. */
export interface PlacedReplica {
  readonly pool: PlacedReplicas;
  readonly replica: number;
}

/** The devices that send KV of one replica to the other, and those they send it to: as many channels as the larger one has devices. */
export function kvPairs(source: PlacedReplica, target: PlacedReplica): (readonly [sends: number, takes: number])[] {
  const [from, to] = [source.pool.devices, target.pool.devices];
  const channels = Math.max(from, to);
  return Array.from({ length: channels }, (_, channel) => [
    deviceOf(source.pool, source.replica, Math.floor((channel * from) / channels)),
    deviceOf(target.pool, target.replica, Math.floor((channel * to) / channels)),
  ]);
}
