import { assert, must } from "../../base/assert.ts";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import type { DeviceTensor } from "../device/device-driver.ts";

/** A slot as one call sees it; a later change of the slot is another one. */
export interface Held {
  readonly slot: number;
  tensor: DeviceTensor | undefined;
  error: HeddleError | undefined;
  /** Calls that read it and have not ended. */
  users: number;
  /** No later call sees it: its tensor goes with the last user, unless a change has taken it over. */
  dropped: boolean;
  taken: boolean;
  readonly waiting: (() => void)[];
}

/** The tensors at a seat by slot, with the order of data among calls: who fills a slot is known before the tensor is there. */
export interface SlotTable {
  /** A slot that the caller will fill. Errors: `input-invalid` where it is there already. */
  fill(slot: number): Held;
  /** A slot that the caller reads; `drop` it when done. Errors: `input-invalid` where nothing fills it. */
  use(slot: number): Held;
  /** The slot's content is replaced by one made from it: `old` is read and then belongs to the caller, `next` is what later calls see. */
  change(slot: number): { readonly old: Held; readonly next: Held };
  done(held: Held, tensor: DeviceTensor): void;
  failed(held: Held, error: HeddleError): void;
  /** Ends a use. */
  release(held: Held): void;
  free(slot: number): void;
  /** Resolves when the tensor is there. Errors: that of the call that was to fill it. */
  ready(held: Held): Promise<DeviceTensor> | DeviceTensor;
  /** Resolves when the caller is the only one that uses it. */
  alone(held: Held): Promise<DeviceTensor>;
  readonly count: number;
  readonly bytes: number;
  clear(): void;
}

/** Failures are remembered for calls that were already on the way, this many at most. */
const FAILURES_KEPT = 1_024;

export function createSlotTable(freeTensor: (tensor: DeviceTensor) => void): SlotTable {
  const slots = new Map<number, Held>();
  const failures = new Set<number>();
  let bytes = 0;
  let count = 0;

  const make = (slot: number): Held => {
    const held: Held = { slot, tensor: undefined, error: undefined, users: 0, dropped: false, taken: false, waiting: [] };
    slots.set(slot, held);
    failures.delete(slot);
    return held;
  };
  const wake = (held: Held): void => {
    for (const one of held.waiting.splice(0)) one();
  };
  /** Frees what nobody sees and nobody uses. */
  const settle = (held: Held): void => {
    if (held.dropped && held.users === 0 && held.tensor !== undefined && !held.taken) {
      forget(held);
      freeTensor(held.tensor);
      held.tensor = undefined;
    }
    if (held.waiting.length > 0) wake(held);
  };
  const forget = (held: Held): void => {
    bytes -= must(held.tensor, "a tensor that was there").bytes;
    count--;
  };
  const drop = (held: Held): void => {
    held.dropped = true;
    settle(held);
  };
  const seen = (slot: number): Held => {
    const held = slots.get(slot);
    if (held === undefined)
      throw new HeddleError("input-invalid", { where: `slot ${slot}`, detail: "nothing is there and nothing fills it" });
    return held;
  };

  const ready: SlotTable["ready"] = (held) => {
    if (held.tensor !== undefined) return held.tensor;
    if (held.error !== undefined) throw held.error;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (held.tensor !== undefined) resolve(held.tensor);
        else if (held.error !== undefined) reject(held.error);
        else held.waiting.push(look);
      };
      look();
    });
  };

  return {
    fill: (slot) => {
      const there = slots.get(slot);
      if (there !== undefined && there.error === undefined) {
        throw new HeddleError("input-invalid", { where: `slot ${slot}`, detail: "it is taken; free it first" });
      }
      return make(slot);
    },
    use: (slot) => {
      const held = seen(slot);
      held.users++;
      return held;
    },
    change: (slot) => {
      const old = seen(slot);
      old.users++;
      old.dropped = true;
      return { old, next: make(slot) };
    },
    done: (held, tensor) => {
      assert(held.tensor === undefined && held.error === undefined, "a slot is filled once", { slot: held.slot });
      held.tensor = tensor;
      bytes += tensor.bytes;
      count++;
      wake(held);
      settle(held);
    },
    failed: (held, error) => {
      if (held.tensor !== undefined || held.error !== undefined) return;
      held.error = error;
      if (!held.dropped) failures.add(held.slot);
      if (failures.size > FAILURES_KEPT) {
        const [oldest] = failures;
        if (oldest !== undefined) {
          failures.delete(oldest);
          slots.delete(oldest);
        }
      }
      wake(held);
    },
    release: (held) => {
      assert(held.users > 0, "a use ends once", { slot: held.slot });
      held.users--;
      settle(held);
    },
    free: (slot) => {
      const held = slots.get(slot);
      if (held === undefined) return;
      slots.delete(slot);
      failures.delete(slot);
      drop(held);
    },
    ready,
    alone: async (held) => {
      const tensor = await ready(held);
      while (held.users > 1) await new Promise<void>((resolve) => held.waiting.push(resolve));
      held.taken = true;
      forget(held);
      return tensor;
    },
    get count() {
      return count;
    },
    get bytes() {
      return bytes;
    },
    clear: () => {
      const lost = toHeddleError(new HeddleError("draining"));
      for (const [slot, held] of [...slots]) {
        slots.delete(slot);
        if (held.tensor === undefined && held.error === undefined) {
          held.error = lost;
          wake(held);
        }
        drop(held);
      }
    },
  };
}
