import type { DeviceSheet, Figure, LinkFigures } from "./device-sheet.ts";

/** Factors on the figures of a device; 1 where absent. */
export interface SheetFactors {
  readonly compute?: number;
  readonly memoryBandwidth?: number;
  readonly memoryCapacity?: number;
  readonly scaleUp?: number;
  readonly network?: number;
}

/** A device with some figures changed by a factor: what a what-if asks about. Each changed figure is `derived`, and says of what. */
export function scaleSheet(sheet: DeviceSheet, factors: SheetFactors): DeviceSheet {
  const { compute = 1, memoryBandwidth = 1, memoryCapacity = 1, scaleUp = 1, network = 1 } = factors;
  const peaks = Object.fromEntries(Object.entries(sheet.peaks).map(([type, figure]) => [type, scaled(figure, compute)]));
  const { capacityBytes, bandwidthBytesPerSecond } = sheet.memory;
  return {
    ...sheet,
    peaks,
    memory: {
      capacityBytes: scaled(capacityBytes, memoryCapacity),
      bandwidthBytesPerSecond: scaled(bandwidthBytesPerSecond, memoryBandwidth),
    },
    ...(sheet.scaleUp === undefined ? {} : { scaleUp: scaledLink(sheet.scaleUp, scaleUp) }),
    ...(sheet.network === undefined ? {} : { network: scaledLink(sheet.network, network) }),
  };
}

function scaledLink(link: LinkFigures, factor: number): LinkFigures {
  return { ...link, bandwidthBytesPerSecond: scaled(link.bandwidthBytesPerSecond, factor) };
}

function scaled(figure: Figure, factor: number): Figure {
  return factor === 1 ? figure : { value: figure.value * factor, basis: "derived", source: `${factor} x ${figure.source}` };
}
