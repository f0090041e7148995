import type { Nanoseconds, Ratio } from "../base/units.ts";
import type { Device } from "../rack/rack.ts";

/** A span of time in which a device worked. */
export interface WorkSpan {
  readonly device: Device;
  readonly startNs: Nanoseconds;
  readonly endNs: Nanoseconds;
}

/**
 * For each span the mean share of the other cores of its device's memory that other spans kept at work meanwhile, as the simulation counts it.
 *
 * Complexity: O(n log n + overlaps).
 */
export function besideShares(spans: readonly WorkSpan[], devices: readonly Device[]): readonly Ratio[] {
  const order = spans.map((_span, index) => index).sort((a, b) => spans[a]!.startNs - spans[b]!.startNs);
  const shares = new Array<number>(spans.length).fill(0);
  let open: number[] = [];
  for (const index of order) {
    const span = spans[index]!;
    open = open.filter((other) => spans[other]!.endNs > span.startNs);
    for (const other of open) {
      const both = Math.min(span.endNs, spans[other]!.endNs) - span.startNs;
      shares[index]! += both * otherCores(span.device, spans[other]!.device);
      shares[other]! += both * otherCores(spans[other]!.device, span.device);
    }
    open.push(index);
  }
  return spans.map(({ device, startNs, endNs }, index) => {
    const elsewhere = coresOf(device.memory, devices).size - device.cores.length;
    return elsewhere > 0 && endNs > startNs ? Math.min(1, shares[index]! / (endNs - startNs) / elsewhere) : 0;
  });
}

/** Cores of a device that are not another's, in the same memory. */
function otherCores(own: Device, other: Device): number {
  return own.memory === other.memory ? other.cores.filter((core) => !own.cores.includes(core)).length : 0;
}

function coresOf(memory: string, devices: readonly Device[]): ReadonlySet<number> {
  return new Set(devices.filter((device) => device.memory === memory).flatMap(({ cores }) => cores));
}
