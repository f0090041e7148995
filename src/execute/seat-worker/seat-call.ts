import { HeddleError } from "../../base/heddle-error.ts";
import type { DeviceTensor } from "../device/device-driver.ts";
import type { Held, SlotTable } from "./slot-table.ts";

/** A call under way at a seat: until it begins it can be taken back. */
export interface SeatCall {
  readonly id: number;
  /** Errors: `cancelled`. From then on it cannot be taken back, unless it says otherwise. */
  begin(): void;
  /** Waits for a slot. Errors: that of the slot; `cancelled`. */
  slot(slots: SlotTable, held: Held): Promise<DeviceTensor> | DeviceTensor;
  /** Told when it is taken back while it waits for something else than a slot. */
  onCancel: ((error: HeddleError) => void) | undefined;
  cancel(): void;
}

export function createSeatCall(id: number): SeatCall {
  let begun = false;
  let cancelled: HeddleError | undefined;
  const stops: ((error: HeddleError) => void)[] = [];
  const call: SeatCall = {
    id,
    begin: () => {
      if (cancelled !== undefined) throw cancelled;
      begun = true;
    },
    slot: (slots, held) => {
      if (cancelled !== undefined) throw cancelled;
      if (held.tensor !== undefined) return held.tensor;
      return new Promise((resolve, reject) => {
        stops.push(reject);
        Promise.resolve(slots.ready(held)).then(resolve, reject);
      });
    },
    onCancel: undefined,
    cancel: () => {
      if (call.onCancel !== undefined) call.onCancel(new HeddleError("cancelled"));
      if (begun) return;
      cancelled = new HeddleError("cancelled");
      for (const stop of stops.splice(0)) stop(cancelled);
    },
  };
  return call;
}
