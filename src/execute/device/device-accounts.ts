import { assert } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { DeviceTelemetry } from "./device-driver.ts";

/** What a device counts, and the limit of its memory. Units: bytes and ns. */
export interface DeviceAccounts {
  /** Takes room in the memory. Errors: `capacity`, and nothing is taken. */
  hold(bytes: number, what: string): void;
  give(bytes: number): void;
  free(): number;
  add(counts: Partial<Pick<DeviceTelemetry, "runs" | "failures" | "busyNs" | "compileNs" | "uploadedBytes" | "downloadedBytes">>): void;
  read(): DeviceTelemetry;
}

export function createDeviceAccounts(device: string, memoryBytes: number): DeviceAccounts {
  let [held, most] = [0, 0];
  const counts = { runs: 0, failures: 0, busyNs: 0, compileNs: 0, uploadedBytes: 0, downloadedBytes: 0 };
  return {
    hold: (bytes, what) => {
      if (held + bytes > memoryBytes) {
        const detail = `${what} needs ${bytes} bytes, ${memoryBytes - held} of ${memoryBytes} are free`;
        throw new HeddleError("capacity", { where: device, detail });
      }
      held += bytes;
      most = Math.max(most, held);
    },
    give: (bytes) => {
      assert(bytes <= held, "no more is given back than was taken", { bytes, held });
      held -= bytes;
    },
    free: () => memoryBytes - held,
    add: (more) => {
      for (const [name, count] of Object.entries(more) as [keyof typeof counts, number][]) counts[name] += count;
    },
    read: () => ({ ...counts, reconfigurations: 0, heldBytes: held, heldBytesMax: most, paddedShare: 0, lateRuns: 0 }),
  };
}
