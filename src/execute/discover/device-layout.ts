import type { Device } from "../../rack/rack.ts";

/** Most devices of one width: more replicas of a small model on one host than this share its memory bandwidth without a gain. */
const DEVICES_PER_WIDTH = 8;

/**
 * Device widths worth measuring on `cores` cores: all of them for one device, half, and single cores (or what gives eight devices), widest first.
 * Each is an alternative: devices of different widths share cores, and calibration decides which a plan uses.
 */
export function deviceWidths(cores: number): readonly number[] {
  const narrow = Math.ceil(cores / DEVICES_PER_WIDTH);
  return [...new Set([cores, Math.floor(cores / 2), narrow].filter((width) => width >= 1))];
}

/**
 * The devices of a host without their calibrations: for each width as many as fit side by side, one WASM
 * device, OpenVINO on all cores, and llama.cpp in each width, where their packages are there.
 */
export function describeDevices(
  cores: readonly number[],
  drivers: { readonly ort: boolean; readonly wasm: boolean; readonly openvino: boolean; readonly llama: boolean; readonly memory: string },
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
  if (drivers.openvino && last !== undefined) {
    // One: it is there for long prompts, which one replica does best with all cores, and each further kind takes its time to measure.
    const [threads, { memory }] = [cores.length, drivers];
    devices.push({ id: `ov-cpu-${coresText(cores)}`, kind: "cpu", driver: "openvino", target: "CPU", threads, cores, memory });
  }
  if (drivers.llama) {
    // One of each width: llama.cpp's threads wait for one another without sleeping, so fewer of them do better where others use the cores.
    for (const width of deviceWidths(cores.length)) {
      const taken = cores.slice(0, width);
      const { memory } = drivers;
      devices.push({ id: `llama-cpu-${coresText(taken)}`, kind: "cpu", driver: "llama", threads: width, cores: taken, memory });
    }
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
