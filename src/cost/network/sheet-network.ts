import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import { neededFigure } from "../../rack/catalog/needed-figure.ts";
import type { CollectiveLibrary, NetworkFigures, NetworkGeneration } from "./collectives/network-figures.ts";

/** Families whose tuning tables hold, by the start of a catalogue id. */
const GENERATIONS: readonly (readonly [string, NetworkGeneration])[] = [
  ["a100", "ampere"],
  ["a30", "ampere"],
  ["h100", "hopper"],
  ["h200", "hopper"],
  ["h800", "hopper"],
  ["h20", "hopper"],
  ["b200", "blackwell"],
  ["b300", "blackwell"],
  ["gb200", "blackwell"],
  ["gb300", "blackwell"],
];

/** What messages call the figure that a system of several devices needs. */
export const PER_NODE = "perNode (devices in a machine or scale-up domain)";

/**
 * What a data sheet says of the network of a system made of its device: links in the node where it has them, else its host link, through which PCIe
 * systems exchange; links between nodes where it has a network figure.
 *
 * Errors: undefined where the sheet has neither links in the node nor a host link; `figure-missing` where it does not say how many devices a node has.
 */
export function sheetNetwork(sheet: DeviceSheet, library: CollectiveLibrary): NetworkFigures | undefined {
  const inside = sheet.scaleUp ?? sheet.host;
  if (inside === undefined) return undefined;
  const perNode = neededFigure(sheet, PER_NODE, sheet.perNode).value;
  const generation = GENERATIONS.find(([start]) => sheet.id.startsWith(start))?.[1];
  const throughHost = sheet.scaleUp === undefined || /^pcie/i.test(inside.name);
  const { network } = sheet;
  return {
    name: `${perNode} x ${sheet.id}`,
    ...(generation === undefined ? {} : { generation }),
    scaleUp: {
      bytesPerSecond: inside.bandwidthBytesPerSecond.value,
      devices: perNode,
      // NVLink switches add up from the third generation on.
      reducesInSwitch: !throughHost && (generation === "hopper" || generation === "blackwell"),
      ...(throughHost ? { throughHost } : {}),
    },
    ...(network === undefined
      ? {}
      : {
          scaleOut: {
            bytesPerSecond: network.bandwidthBytesPerSecond.value,
            ...(network.bandwidthBytesPerSecond.basis === "measured" ? { measured: true } : {}),
            ...(network.latencyNs === undefined ? {} : { latencyNs: network.latencyNs.value }),
          },
        }),
    library,
  };
}
