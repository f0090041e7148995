import type { MessagePort } from "node:worker_threads";
import type { FramedSocket } from "../seat-wire/framed-socket.ts";

/** Carries messages between a thread's port and a socket until one of them ends. `take` answers a message from the socket itself, or leaves it. */
export function pump(
  socket: FramedSocket,
  port: MessagePort,
  options: { readonly take?: (message: object) => boolean; readonly onEnd: (reason: string) => void },
): void {
  let ended = false;
  const end = (reason: string): void => {
    if (ended) return;
    ended = true;
    options.onEnd(reason);
  };
  port.on("message", (message: object) => socket.send(message));
  port.on("close", () => end("its worker ended"));
  socket.onMessage((message) => {
    if (options.take?.(message) === true) return;
    if (message.payload === undefined) port.postMessage(message);
    else port.postMessage(message, [message.payload.buffer as ArrayBuffer]);
  });
  socket.onEnd(end);
}
