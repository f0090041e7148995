import type { MessagePort } from "node:worker_threads";
import { HeddleError } from "../../base/heddle-error.ts";
import type { FramedSocket } from "../seat-wire/framed-socket.ts";
import type { FromSeat } from "../seat-worker/seat-messages.ts";

/** The way to a seat. It ends once, with `onEnd`. */
export interface SeatLink {
  /** Bytes in `payload` are given away. */
  post(message: object): void;
  start(handlers: SeatLinkHandlers): void;
  /** Ends what is at the other end. */
  kill(): void;
  /** After `close` was answered: the end is no failure any more. */
  finish(): void;
}

export interface SeatLinkHandlers {
  readonly onMessage: (message: Exclude<FromSeat, { t: "gone" }>) => void;
  readonly onEnd: (error: HeddleError) => void;
}

/** Over a message port to a thread. */
export function portLink(
  port: MessagePort,
  options: { readonly seat: string; readonly kill: () => void; readonly ended: Promise<string> },
): SeatLink {
  let ended = false;
  return {
    post: (message) => {
      const { payload } = message as { readonly payload?: Uint8Array };
      if (payload === undefined) port.postMessage(message);
      else port.postMessage(message, [payload.buffer as ArrayBuffer]);
    },
    start: ({ onMessage, onEnd }) => {
      const end = (error: HeddleError): void => {
        if (ended) return;
        ended = true;
        port.close();
        onEnd(error);
      };
      port.on("message", (message: FromSeat) => (message.t === "gone" ? end(errorOf(message)) : onMessage(message)));
      port.on("close", () => {
        options.ended.then((detail) => end(new HeddleError("host-lost", { where: options.seat, detail })));
      });
      options.ended.then((detail) => end(new HeddleError("host-lost", { where: options.seat, detail })));
    },
    kill: options.kill,
    finish: () => port.close(),
  };
}

/** Over a socket to the host of the seat. `lastWords`: why, of a process that has ended. */
export function socketLink(
  socket: FramedSocket,
  options: { readonly seat: string; readonly kill: () => void; readonly lastWords: (reason: string) => Promise<string> },
): SeatLink {
  let gone: HeddleError | undefined;
  return {
    post: (message) => socket.send(message),
    start: ({ onMessage, onEnd }) => {
      socket.onMessage((message) => {
        const said = message as unknown as FromSeat;
        if (said.t === "gone") gone = errorOf(said);
        else onMessage(said);
      });
      socket.onEnd((reason) => {
        if (gone !== undefined) onEnd(gone);
        else options.lastWords(reason).then((detail) => onEnd(new HeddleError("host-lost", { where: options.seat, detail })));
      });
    },
    kill: options.kill,
    finish: () => socket.finish(),
  };
}

export function errorOf({ code, where, detail }: Pick<Extract<FromSeat, { t: "failed" }>, "code" | "where" | "detail">): HeddleError {
  return new HeddleError(code, {
    ...(where !== null && where !== undefined && { where }),
    ...(detail !== null && detail !== undefined && { detail }),
  });
}
