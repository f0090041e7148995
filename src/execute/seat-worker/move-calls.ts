import { performance } from "node:perf_hooks";
import { toHeddleError } from "../../base/heddle-error.ts";
import type { DeviceTensor } from "../device/device-driver.ts";
import { createGangGroup } from "./gang-group.ts";
import type { SeatCall } from "./seat-call.ts";
import type { ToSeat } from "./seat-messages.ts";
import type { Answer, SeatParts } from "./seat-parts.ts";
import { appended, filled, type wireSlot } from "./slot-fill.ts";
import { bytesOfTensor, ownedCopy, rowsOf, tensorOfBytes } from "./tensor-bytes.ts";

const TENSORS = 0;

/** Sends a slot to another seat; the slot may be freed or changed at once after the answer. */
export async function sendCall(parts: SeatParts, call: SeatCall, message: Extract<ToSeat, { t: "send" }>): Promise<Answer> {
  const { slots, device, peers } = parts;
  const held = slots.use(message.slot);
  try {
    const channel = peers.to(message.to);
    const tensor = await call.slot(slots, held);
    call.begin();
    const began = performance.now();
    const host = rowsOf(await device.download(tensor), message.from, message.until);
    const payload = ownedCopy(bytesOfTensor(host));
    const movedBytes = payload.byteLength;
    await channel.send(TENSORS, message.tag, { type: host.type, dims: host.dims, payload });
    peers.moved.sentBytes += movedBytes;
    return { value: { movedBytes, movedNs: nsSince(began) } };
  } finally {
    slots.release(held);
  }
}

/** Waits for a tensor of another seat, as a new slot or behind the rows of one. */
export async function receiveCall(parts: SeatParts, call: SeatCall, message: Extract<ToSeat, { t: "receive" }>): Promise<Answer> {
  const { slots, device, peers } = parts;
  const channel = peers.to(message.from);
  const take = async (options: { readonly capacity?: number }): Promise<DeviceTensor> => {
    call.begin();
    const pending = channel.receive(TENSORS, message.tag);
    call.onCancel = pending.cancel;
    const { type, dims, payload } = await pending.message;
    call.onCancel = undefined;
    peers.moved.receivedBytes += payload.byteLength;
    return device.upload(tensorOfBytes(type, dims, payload), options);
  };
  if (!message.append)
    return filled(slots, slots.fill(message.slot), () => take(message.capacity < 0 ? {} : { capacity: message.capacity }));
  let rows: DeviceTensor | undefined;
  try {
    return await appended(parts, slots.change(message.slot), async () => {
      rows = await take({});
      return rows;
    });
  } finally {
    if (rows !== undefined) device.free(rows);
  }
}

/** Takes part in a collective. It can be taken back even while it waits for the others, which then fail as well. */
export async function collectiveCall(parts: SeatParts, call: SeatCall, message: Extract<ToSeat, { t: "collective" }>): Promise<Answer> {
  const { slots, device, peers } = parts;
  const group = createGangGroup(parts.seat, message, (seat) => peers.find(seat));
  call.onCancel = group.fail;
  let held: ReturnType<typeof slots.use> | undefined;
  try {
    held = slots.use(message.slot);
    const source = held;
    let began = performance.now();
    const answer = await filled(slots, slots.fill(message.target), async () => {
      const tensor = await call.slot(slots, source);
      call.begin();
      // Waiting for the input is what made it; waiting for the others is the collective.
      began = performance.now();
      return device.collective(group, message.collective, tensor);
    });
    peers.moved.sentBytes += group.sentBytes;
    peers.moved.receivedBytes += group.receivedBytes;
    return { value: [answer.value as ReturnType<typeof wireSlot>, group.sentBytes + group.receivedBytes, nsSince(began)] };
  } catch (thrown) {
    group.fail(toHeddleError(thrown));
    throw thrown;
  } finally {
    call.onCancel = undefined;
    group.end();
    if (held !== undefined) slots.release(held);
  }
}

function nsSince(startMs: number): number {
  return Math.round((performance.now() - startMs) * 1e6);
}
