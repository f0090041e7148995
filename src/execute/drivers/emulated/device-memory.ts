import { HeddleError } from "../../../base/heddle-error.ts";

/** What lies in a device's memory, counted. Units: bytes. */
export interface DeviceMemory {
  /** Errors: `capacity`. */
  take(bytes: number, what: string): void;
  give(bytes: number): void;
  /** Everything is freed. */
  reset(): void;
  held(): { readonly now: number; readonly most: number };
}

export function createDeviceMemory(device: string, capacity: number): DeviceMemory {
  let now = 0;
  let most = 0;
  return {
    take: (bytes, what) => {
      if (now + bytes > capacity) {
        const detail = `${what} needs ${bytes} bytes, ${Math.max(0, capacity - now)} of ${capacity} are free`;
        throw new HeddleError("capacity", { where: device, detail });
      }
      now += bytes;
      most = Math.max(most, now);
    },
    give: (bytes) => {
      now -= bytes;
    },
    reset: () => {
      now = 0;
    },
    held: () => ({ now, most }),
  };
}
