import type { DeviceDriver } from "../../device/device-driver.ts";
import { openIpu } from "./open-ipu.ts";

/**
 * Moves and converts state on any host: packs, quantises, hashes, dispatches and combines. JavaScript alone: no native module, no model.
 */
export const ipuDeviceDriver: DeviceDriver = { id: "ipu", open: async (options) => openIpu(options) };
