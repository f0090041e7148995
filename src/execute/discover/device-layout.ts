import type { Device } from "../../rack/rack.ts";

/** Widths of CPU devices that are described: all cores, halves of them, and one. More alternatives would cost time to measure and seldom win. */
const WIDTHS_MAX = 3;

/**
 * Device widths worth measuring on `cores` cores: all of them for one device, half, and single cores, widest first. Each is an alternative: devices
 * of different widths share cores, and calibration decides which a plan uses.
 */
export function deviceWidths(cores: number): readonly number[] {
  const widths = [cores, Math.floor(cores / 2), 1].filter((width) => width >= 1);
  return [...new Set(widths)].slice(0, WIDTHS_MAX);
}

/** The devices of a host without their calibrations: for each width as many as fit side by side, and one WASM device where its package is there. */
export function describeDevices(
  cores: readonly number[],
  drivers: { readonly ort: boolean; readonly wasm: boolean; readonly memory: string },
): readonly Device[] {
  const devices: Device[] = [];
  if (drivers.ort) {
    for (const width of deviceWidths(cores.length)) {
      for (let first = 0; first + width <= cores.length; first += width) {
        const taken = cores.slice(first, first + width);
        devices.push({ id: `cpu-${coresText(taken)}`, kind: "cpu", driver: "ort", threads: width, cores: taken, memory: drivers.memory });
      }
    }
  }
  const last = cores.at(-1);
  if (drivers.wasm && last !== undefined) {
    devices.push({ id: `wasm-${last}`, kind: "cpu", driver: "ort-wasm", threads: 1, cores: [last], memory: drivers.memory });
  }
  return devices;
}

/** `0-3` for consecutive cores, `0.2.5` for others. */
function coresText(cores: readonly number[]): string {
  const first = cores[0] ?? 0;
  const last = cores.at(-1) ?? 0;
  if (cores.length === 1) return String(first);
  return last - first === cores.length - 1 ? `${first}-${last}` : cores.join(".");
}
