import { HeddleError } from "../../base/heddle-error.ts";
import type { DeviceDescription } from "../device/device-driver.ts";
import type { FromSeat, WireSlot } from "../seat-worker/seat-messages.ts";
import { errorOf, type SeatLink } from "./seat-link.ts";
import type { SeatCallOptions, SlotInfo } from "./seat-types.ts";

type Done = Extract<FromSeat, { t: "done" }>;

/** Calls over a link: each is answered once, or ends with the link. */
export interface SeatClient {
  ask<T>(message: object, read: (answer: Done) => T, options?: SeatCallOptions): Promise<T>;
  /** Without an answer. */
  tell(message: object): void;
  readonly ended: Promise<HeddleError | undefined>;
  /** The end of the link is no failure from now on. */
  expectEnd(): void;
  /** Ends the link. */
  finish(): void;
  readonly pending: number;
}

interface Pending {
  readonly resolve: (answer: Done) => void;
  readonly reject: (error: HeddleError) => void;
}

/** Resolves when the device is open. Errors: those of opening it; `host-lost`. */
export async function openClient(
  link: SeatLink,
): Promise<{ readonly client: SeatClient; readonly opened: { readonly description: DeviceDescription; readonly pid: number } }> {
  const pending = new Map<number, Pending>();
  let next = 0;
  let lost: HeddleError | undefined;
  let finishing = false;
  let resolveEnded: (error: HeddleError | undefined) => void = () => undefined;
  const ended = new Promise<HeddleError | undefined>((resolve) => {
    resolveEnded = resolve;
  });
  const opened = await new Promise<{ readonly description: DeviceDescription; readonly pid: number }>((resolve, reject) => {
    link.start({
      onMessage: (message) => {
        if (message.t === "opened") return resolve(message);
        const call = pending.get(message.id);
        if (call === undefined) return undefined;
        pending.delete(message.id);
        if (message.t === "done") call.resolve(message);
        else call.reject(errorOf(message));
        return undefined;
      },
      onEnd: (error) => {
        lost = error;
        reject(error);
        const calls = [...pending.values()];
        pending.clear();
        for (const call of calls) call.reject(error);
        resolveEnded(finishing ? undefined : error);
      },
    });
  });
  const client: SeatClient = {
    ask: (message, read, options) => {
      if (lost !== undefined) return Promise.reject(lost);
      const signal = options?.signal;
      if (signal?.aborted === true) return Promise.reject(new HeddleError("cancelled"));
      const id = next++;
      return new Promise((resolve, reject) => {
        const cancel = (): void => link.post({ t: "cancel", target: id });
        signal?.addEventListener("abort", cancel, { once: true });
        pending.set(id, {
          resolve: (answer) => {
            signal?.removeEventListener("abort", cancel);
            resolve(read(answer));
          },
          reject: (error) => {
            signal?.removeEventListener("abort", cancel);
            reject(error);
          },
        });
        link.post({ ...message, id });
      });
    },
    tell: (message) => {
      if (lost === undefined) link.post(message);
    },
    ended,
    expectEnd: () => {
      finishing = true;
    },
    finish: () => link.finish(),
    get pending() {
      return pending.size;
    },
  };
  return { client, opened };
}

export function slotInfo([type, dims, bytes]: WireSlot): SlotInfo {
  return { type, dims, bytes };
}
