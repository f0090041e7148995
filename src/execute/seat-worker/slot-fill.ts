import { toHeddleError } from "../../base/heddle-error.ts";
import type { DeviceTensor } from "../device/device-driver.ts";
import type { WireFailure, WireSlot } from "./seat-messages.ts";
import type { Answer, SeatParts } from "./seat-parts.ts";
import type { Held } from "./slot-table.ts";

export function wireSlot({ type, dims, bytes }: DeviceTensor): WireSlot {
  return [type, dims, bytes];
}

/** Fills a slot by an action; its failure is the slot's. */
export async function filled(slots: SeatParts["slots"], target: Held, make: () => Promise<DeviceTensor>): Promise<Answer> {
  try {
    const tensor = await make();
    const value = wireSlot(tensor);
    slots.done(target, tensor);
    return { value };
  } catch (thrown) {
    slots.failed(target, toHeddleError(thrown));
    throw thrown;
  }
}

/** A failure as it is told. */
export function wireFailure(thrown: unknown): WireFailure {
  const { code, where, detail, message } = toHeddleError(thrown);
  return { code, where: where ?? null, detail: detail ?? (code === "internal" ? message : null) };
}

/** Puts the rows of a slot, which `take` waits for, behind another's. */
export async function appendRows(
  { slots, device }: Pick<SeatParts, "slots" | "device">,
  { slot, rows }: { readonly slot: number; readonly rows: number },
  take: (held: Held) => Promise<DeviceTensor>,
): Promise<Answer> {
  const held = slots.use(rows);
  try {
    return await appended({ slots, device }, slots.change(slot), () => take(held));
  } finally {
    slots.release(held);
  }
}

/** Puts rows behind a slot's. Where that fails before the device took the old tensor over, the slot stays as it was. */
export async function appended(
  parts: Pick<SeatParts, "slots" | "device">,
  changed: { readonly old: Held; readonly next: Held },
  rows: () => Promise<DeviceTensor>,
): Promise<Answer> {
  const { slots, device } = parts;
  const { old, next } = changed;
  let kept: DeviceTensor | undefined;
  try {
    const more = await rows().catch(async (thrown: unknown) => {
      kept = await slots.alone(old);
      throw thrown;
    });
    const tensor = await slots.alone(old);
    let longer: DeviceTensor;
    try {
      longer = await device.append(tensor, more);
    } catch (thrown) {
      if (toHeddleError(thrown).code !== "device-failed") kept = tensor;
      throw thrown;
    }
    const value = wireSlot(longer);
    slots.done(next, longer);
    return { value };
  } catch (thrown) {
    if (kept === undefined) slots.failed(next, toHeddleError(thrown));
    else slots.done(next, kept);
    throw thrown;
  } finally {
    slots.release(old);
  }
}
