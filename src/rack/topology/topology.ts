import type { BytesPerSecond } from "../../base/units.ts";

/**
 * Devices and the directed links between them, as a multigraph whose vertices are devices (ids from 0), then switches.
 *
 * Links are columns: `from[l]`, `to[l]` and `bytesPerSecond[l]` of link l.
 */
export interface Topology {
  /** Kind and sizes, for reports. */
  readonly name: string;
  readonly devices: number;
  readonly switches: number;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly bytesPerSecond: Float64Array;
  /** Rate, one way, between the two halves of the devices that the builder names. */
  readonly bisectionBytesPerSecond: BytesPerSecond;
  /**
   * Links from one device to another in order; none from a device to itself. Where several shortest paths are equal, the pair decides, so that pairs
   * spread over them and the same pair always goes the same way.
   */
  path(from: number, to: number): number[];
}

/** Collects vertices and links in order of ids. */
export interface TopologyDraft {
  /** A new switch's vertex. */
  addSwitch(): number;
  /** Links both ways; the first's id is returned, the way back is the next. */
  connect(a: number, b: number, bytesPerSecond: BytesPerSecond): number;
  finish(rest: Pick<Topology, "name" | "bisectionBytesPerSecond" | "path">): Topology;
}

/** A topology to add switches and links to. Vertices: the devices first, then switches as they come; a link is full duplex. Units: bytes/s. */
export function draftTopology(devices: number): TopologyDraft {
  const from: number[] = [];
  const to: number[] = [];
  const rate: number[] = [];
  let vertices = devices;
  return {
    addSwitch: () => vertices++,
    connect(a, b, bytesPerSecond) {
      from.push(a, b);
      to.push(b, a);
      rate.push(bytesPerSecond, bytesPerSecond);
      return from.length - 2;
    },
    finish: ({ name, bisectionBytesPerSecond, path }) => ({
      name,
      devices,
      switches: vertices - devices,
      from: Int32Array.from(from),
      to: Int32Array.from(to),
      bytesPerSecond: Float64Array.from(rate),
      bisectionBytesPerSecond,
      path,
    }),
  };
}
