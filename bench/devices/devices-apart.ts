import { HeddleError } from "../../src/base/heddle-error.ts";
import { openRack } from "../../src/sdk/open-rack.ts";
import type { OpenRack } from "../../src/sdk/sdk-types.ts";
import type { Batch, DeviceCase } from "./device-case.ts";
import { rackOf } from "./racks.ts";

const WARM_BATCHES = 2;
/** How long all devices work at once. Units: ms. */
const TOGETHER_MS = 1_500;

/**
 * What the machine gives all devices of the mix at once: each in a rack of its own with batches of its own, so nothing is decided or handed over.
 * No mix does better where its devices are alike; one of unlike devices may, with each kind of work on the device that is quicker at it.
 *
 * Units: ms a batch, of all devices together; undefined where one of them cannot do a batch alone.
 */
export async function devicesApart(one: DeviceCase, batch: Batch): Promise<number | undefined> {
  const open: OpenRack[] = [];
  try {
    for (const device of one.mix.devices) open.push(await openRack(rackOf(device)));
    for (let i = 0; i < WARM_BATCHES; i++) for (const rack of open) await batch(rack);
    const rates = await Promise.all(open.map((rack) => rateOf(rack, batch)));
    return 1 / rates.reduce((sum, rate) => sum + rate, 0);
  } catch (thrown) {
    if (thrown instanceof HeddleError && thrown.code === "stage-unsupported") return undefined;
    throw thrown;
  } finally {
    await Promise.all(open.map((rack) => rack.close()));
  }
}

/** Batches a ms. */
async function rateOf(rack: OpenRack, batch: Batch): Promise<number> {
  const began = performance.now();
  let batches = 0;
  let tookMs = 0;
  while (tookMs < TOGETHER_MS) {
    await batch(rack);
    batches++;
    tookMs = performance.now() - began;
  }
  return batches / tookMs;
}
