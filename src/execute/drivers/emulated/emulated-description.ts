import { deviceAtPace } from "../../../rack/emulated-pace.ts";
import type { Emulation } from "../../../rack/emulation.ts";
import type { Device } from "../../../rack/rack.ts";
import type { DeviceDescription, Residency } from "../../device/device-driver.ts";

/** What an emulated device says of itself: its row, in wall time, and the numerics of what computes. */
export function emulatedDescription(
  device: Device,
  emulation: Emulation,
  { memoryBytes, inner }: { readonly memoryBytes: number; readonly inner: DeviceDescription },
): DeviceDescription {
  const { slowdown, boundary, stateBoundary, shapes, format } = emulation;
  return {
    kind: device.kind,
    driver: device.driver,
    version: `${inner.driver} ${inner.version}`,
    name: `emulated ${device.id}, ${slowdown} times slower (${inner.name})`,
    boundary,
    shapes,
    residency: residencyAtPace(emulation),
    stateBoundary,
    numerics: { ...inner.numerics, formats: [format] },
    memory: { own: true, capacityBytes: memoryBytes, basis: "data-sheet" },
    peaks: deviceAtPace(device).peaks ?? [],
    collectives: inner.collectives,
  };
}

function residencyAtPace({ residency, slowdown }: Emulation): Residency {
  if (residency.type === "reconfigure") return { ...residency, reconfigureNs: residency.reconfigureNs * slowdown };
  return { type: residency.type };
}
