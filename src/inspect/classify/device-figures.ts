import type { Device, FigureBasis, Link, Rack } from "../../rack/rack.ts";
import type { Grounded, PeakFigure } from "./grounded.ts";
import { measuredPeaks } from "./measured-peaks.ts";

/** What classes and estimates of a device follow from: plain data. */
export interface DeviceFigures {
  readonly id: string;
  readonly kind: Device["kind"];
  /** A type's measured peak before its data sheet's; in the order of the rack file. */
  readonly peaks: readonly PeakFigure[];
  readonly bandwidth: Grounded & { readonly bytesPerSecond: number };
  /** Undefined where nothing is known: then none are counted. */
  readonly overheads: (Grounded & { readonly launchNs: number; readonly operatorNs: number }) | undefined;
  /** The link to another device, or to its memory, that carries most; undefined where there is none. */
  readonly link: (Grounded & { readonly to: string; readonly bytesPerSecond: number; readonly latencyNs: number }) | undefined;
  readonly memory: Grounded & { readonly id: string; readonly capacityBytes: number; readonly sharedWith: readonly string[] };
}

const NO_SOURCE: Readonly<Record<FigureBasis, string>> = { measured: "the rack file", "data-sheet": "the rack file, source not named" };
const CALIBRATION = "calibration of the device";

/** Figures of every device of a rack, in its order. */
export function deviceFiguresOf(rack: Rack): readonly DeviceFigures[] {
  return rack.devices.map((device) => figuresOf(rack, device));
}

function figuresOf(rack: Rack, device: Device): DeviceFigures {
  const memory = rack.memories.find(({ id }) => id === device.memory)!;
  const { calibration, overheads } = device;
  const grounded = { basis: memory.basis, source: memory.source ?? NO_SOURCE[memory.basis] };
  const link = bestLink(rack, device);
  return {
    id: device.id,
    kind: device.kind,
    peaks: peaksOf(device),
    bandwidth:
      calibration === undefined
        ? { ...grounded, bytesPerSecond: memory.bandwidthBytesPerSecond }
        : { basis: "measured", source: `${CALIBRATION}: weights streamed`, bytesPerSecond: calibration.streamBytesPerSecond },
    overheads:
      calibration === undefined
        ? overheads
        : { basis: "measured", source: CALIBRATION, launchNs: calibration.launchNs, operatorNs: calibration.operatorNs },
    link: link && {
      basis: link.basis,
      source: link.source ?? NO_SOURCE[link.basis],
      to: link.from === device.id ? link.to : link.from,
      bytesPerSecond: link.bandwidthBytesPerSecond,
      latencyNs: link.latencyNs,
    },
    memory: {
      ...grounded,
      id: memory.id,
      capacityBytes: memory.capacityBytes,
      sharedWith: rack.devices.filter(({ id, memory: other }) => other === memory.id && id !== device.id).map(({ id }) => id),
    },
  };
}

/** Measured peaks before those of a data sheet. */
export function peaksOf(device: Device): readonly PeakFigure[] {
  const measured = measuredPeaks(device.calibration);
  const known = new Set(measured.map(({ type }) => type));
  return [...measured, ...(device.peaks ?? []).filter(({ type }) => !known.has(type))];
}

/** Greatest bandwidth, then least latency, then the order of the file. The front end and the device's own memory take no part in hand-overs. */
function bestLink(rack: Rack, device: Device): Link | undefined {
  const others = new Set([...rack.devices, ...rack.memories].map(({ id }) => id));
  others.delete(device.id);
  others.delete(device.memory);
  const usable = rack.links.filter(({ from, to }) => (from === device.id && others.has(to)) || (to === device.id && others.has(from)));
  const better = (a: Link, b: Link): boolean =>
    a.bandwidthBytesPerSecond > b.bandwidthBytesPerSecond ||
    (a.bandwidthBytesPerSecond === b.bandwidthBytesPerSecond && a.latencyNs < b.latencyNs);
  return usable.reduce<Link | undefined>((best, link) => (best === undefined || better(link, best) ? link : best), undefined);
}
