import { performance } from "node:perf_hooks";
import { must } from "../../base/assert.ts";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import type { DeviceTensor } from "../device/device-driver.ts";
import type { SeatCall } from "./seat-call.ts";
import type { ToSeat, WireRun, WireSlot } from "./seat-messages.ts";
import type { Answer, SeatParts } from "./seat-parts.ts";
import { appendRows, wireFailure, wireSlot } from "./slot-fill.ts";
import type { Held } from "./slot-table.ts";

type RunMessage = Extract<ToSeat, { t: "run" }>;

/** Runs a stage when its inputs are there and the device is free; then what it made goes behind the rows of slots that grow. */
export async function runCall(parts: SeatParts, call: SeatCall, message: RunMessage): Promise<Answer> {
  const run = runAlone(parts, call, message);
  if (message.a === undefined) return { value: await run };
  const growing = Promise.allSettled(
    message.a.map(([slot, rows]) => appendRows(parts, { slot, rows }, async (held) => parts.slots.ready(held))),
  );
  try {
    const value = await run;
    const ends = await growing;
    if (ends.every(({ status }) => status === "fulfilled")) return { value };
    return { value: { ...value, a: ends.map((end) => (end.status === "fulfilled" ? null : wireFailure(end.reason))) } };
  } finally {
    await growing;
  }
}

async function runAlone(parts: SeatParts, call: SeatCall, message: RunMessage): Promise<WireRun> {
  const { slots, device, runs } = parts;
  const asked = performance.now();
  const stage = parts.stages.get(message.stage);
  const used: Held[] = [];
  const made: (Held | undefined)[] = [];
  const giveUp = (error: HeddleError): void => {
    for (const held of made) if (held !== undefined) slots.failed(held, error);
  };
  try {
    for (const slot of message.i) used.push(slots.use(slot));
    for (const slot of message.o) made.push(slot < 0 ? undefined : slots.fill(slot));
    if (used.length !== stage.inputs.length || made.length !== stage.outputs.length) {
      throw new HeddleError("input-invalid", { where: `stage ${stage.number}`, detail: "a slot for each port" });
    }
    const inputs: Record<string, DeviceTensor> = {};
    for (let i = 0; i < used.length; i++) {
      const tensor = call.slot(slots, used[i]!);
      inputs[stage.inputs[i]!] = tensor instanceof Promise ? await tensor : tensor;
    }
    const ready = (): Promise<WireRun> => {
      call.begin();
      return execute();
    };
    const execute = async (): Promise<WireRun> => {
      const began = performance.now();
      const { outputs, busyNs, parts: spent } = await stage.resident.run(inputs);
      const o = stage.outputs.map((name, i): WireSlot | null => {
        const tensor = must(outputs[name], "an output for each port");
        const held = made[i];
        if (held === undefined) {
          device.free(tensor);
          return null;
        }
        const wire = wireSlot(tensor);
        slots.done(held, tensor);
        return wire;
      });
      return { o, waitedNs: Math.round((began - asked) * 1e6), busyNs, parts: spent };
    };
    return await inTurn(runs, ready, call);
  } catch (thrown) {
    giveUp(toHeddleError(thrown));
    throw thrown;
  } finally {
    for (const held of used) slots.release(held);
  }
}

/** Does it when the device is free; a call that is taken back leaves the queue. */
export function inTurn<T>(runs: SeatParts["runs"], action: () => Promise<T>, call?: SeatCall): Promise<T> {
  return new Promise((resolve, reject) => {
    const item = {
      start: async () => {
        if (call !== undefined) call.onCancel = undefined;
        try {
          resolve(await action());
        } catch (thrown) {
          reject(thrown);
        }
      },
    };
    if (call !== undefined) {
      call.onCancel = (error) => {
        if (runs.remove(item)) reject(error);
      };
    }
    runs.add(item);
  });
}
