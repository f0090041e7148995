import { type MessagePort, workerData } from "node:worker_threads";
import { toHeddleError } from "../../base/heddle-error.ts";
import type { SeatStart } from "./seat-messages.ts";
import { serveSeat } from "./serve-seat.ts";

/** Entry of the thread of a seat: opens the device, then answers calls that come over its port until it is closed. */
const { start, port } = workerData as { readonly start: SeatStart; readonly port: MessagePort };

process.on("uncaughtException", end);
process.on("unhandledRejection", end);
serveSeat(start, port, { onClosed: () => port.close() }).catch(end);

/** What the device holds is unknown after a failure of our own code. */
function end(thrown: unknown): void {
  const { code, where, detail, message } = toHeddleError(thrown);
  port.postMessage({ t: "gone", code, where: where ?? null, detail: detail ?? message });
  port.close();
}
