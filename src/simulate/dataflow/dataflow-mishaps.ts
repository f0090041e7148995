import type { Prng } from "../../base/prng.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { DeviceId } from "../../engine/dataflow/dataflow-types.ts";

/** What goes wrong in a virtual rack, drawn as it goes. */
export interface DataflowMishaps {
  /** A run that fails, and after which share of its time. */
  run(): { readonly after: number } | undefined;
  transfer(): boolean;
  load(): boolean;
  message(): { readonly delayNs: Nanoseconds; readonly againAfterNs: Nanoseconds | undefined };
  /** Factor on the time of runs. */
  slowness(device: DeviceId, now: Nanoseconds): number;
}

export interface MishapRates {
  readonly runFails: number;
  readonly transferFails: number;
  readonly loadFails: number;
  readonly doubled: number;
  readonly late: number;
  readonly lateNs: Nanoseconds;
  readonly slowDevice: DeviceId;
  readonly slowFromNs: Nanoseconds;
  readonly slowness: number;
}

export const NO_MISHAPS: DataflowMishaps = {
  run: () => undefined,
  transfer: () => false,
  load: () => false,
  message: () => ({ delayNs: 0, againAfterNs: undefined }),
  slowness: () => 1,
};

export function drawnMishaps(prng: Prng, rates: MishapRates): DataflowMishaps {
  const happens = (rate: number): boolean => rate > 0 && prng.nextFloat() < rate;
  const some = (most: Nanoseconds): Nanoseconds => Math.floor(prng.nextFloat() * most);
  return {
    run: () => (happens(rates.runFails) ? { after: prng.nextFloat() } : undefined),
    transfer: () => happens(rates.transferFails),
    load: () => happens(rates.loadFails),
    message: () => ({
      delayNs: happens(rates.late) ? some(rates.lateNs) : 0,
      againAfterNs: happens(rates.doubled) ? some(rates.lateNs) : undefined,
    }),
    slowness: (device, now) => (device === rates.slowDevice && now >= rates.slowFromNs ? rates.slowness : 1),
  };
}
