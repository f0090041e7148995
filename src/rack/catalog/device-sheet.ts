import type { PeakType } from "../peak-type.ts";
import type { DeviceKind } from "../rack.ts";

/** A figure with where it comes from. `derived`: computed from cited figures as the source says. */
export interface Figure {
  readonly value: number;
  readonly basis: "data-sheet" | "measured" | "derived";
  readonly source: string;
}

/** What is known of a device that can be bought or is only thought of; ten lines of YAML suffice, what is left out is unknown and never assumed. */
export interface DeviceSheet {
  /** Catalogue id, such as `h100-sxm`. */
  readonly id: string;
  readonly name: string;
  readonly vendor: string;
  readonly kind: DeviceKind;
  readonly year?: number;
  /** Dense operations a second by type, a multiply-add counted as 2; sparsity never counted. */
  readonly peaks: Readonly<Partial<Record<PeakType, Figure>>>;
  readonly memory: { readonly capacityBytes: Figure; readonly bandwidthBytesPerSecond: Figure };
  /** Cores as the tile model counts them (SMs, compute units, tiles), their clock and on-chip memories. */
  readonly cores?: { readonly count: Figure; readonly clockHz?: Figure; readonly localBytes?: Figure };
  /** Last-level cache or on-chip memory shared by all cores. Units: bytes, bytes/s. */
  readonly cache?: { readonly bytes: Figure; readonly bandwidthBytesPerSecond?: Figure };
  /** Links to other devices of its node (one direction, all links together), to the host, and to the network. Units: bytes/s, ns. */
  readonly scaleUp?: LinkFigures;
  readonly host?: LinkFigures;
  readonly network?: LinkFigures;
  /** Devices in a node or scale-up domain as it is sold. */
  readonly perNode?: Figure;
  /** Board power. Units: W. */
  readonly powerWatts?: Figure;
  /** Cloud price. Units: US dollars an hour. */
  readonly dollarsPerHour?: Figure;
}

export interface LinkFigures {
  /** Name of the technology, such as `NVLink 4` or `PCIe 5.0 x16`. */
  readonly name: string;
  readonly bandwidthBytesPerSecond: Figure;
  readonly latencyNs?: Figure;
}
