import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { DeviceDriver } from "../device/device-driver.ts";
import { driverOf } from "./driver-of.ts";
import { createSeatCore } from "./seat-core.ts";
import type { FromSeat, SeatStart } from "./seat-messages.ts";
import type { ToSeatThread } from "./seat-parts.ts";

export interface ServeSeatOptions {
  /** Instead of the one the device names. */
  readonly driver?: DeviceDriver;
  readonly onClosed: () => void;
}

/** Opens a device and serves it over a port, on this thread. Errors: those of opening it. */
export async function serveSeat(start: SeatStart, port: MessagePort, options: ServeSeatOptions): Promise<void> {
  const driver = options.driver ?? (await driverOf(start.device.driver, start.driverModule));
  const { device: row, memoryBytes, cacheFolder } = start;
  const device = await driver.open({ device: row, memoryBytes, cacheFolder });
  const post = (message: FromSeat): void => {
    if (message.t === "done" && message.payload !== undefined) port.postMessage(message, [message.payload.buffer as ArrayBuffer]);
    else port.postMessage(message);
  };
  const core = createSeatCore(device, start, {
    post,
    drain: () => {
      for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
        core.handle(next.message as ToSeatThread);
      }
    },
    closed: options.onClosed,
  });
  port.on("message", (message: ToSeatThread) => core.handle(message));
  // The front end, or the host on its behalf, has dropped the port.
  port.on("close", () => {
    core.close().then(options.onClosed, options.onClosed);
  });
  post({ t: "opened", description: device.describe(), pid: process.pid });
}
