import { MessageChannel, type MessagePort } from "node:worker_threads";
import { call } from "../seat-wire/address.ts";
import { type FramedSocket, frameSocket } from "../seat-wire/framed-socket.ts";
import { greet, type Hello } from "../seat-wire/handshake.ts";
import { pump } from "./pump.ts";

/** Calls the host of another seat; the port is the channel to that seat. Errors: `worker-refused`, `host-lost`. */
export async function dialPeer(address: string, token: string, hello: Extract<Hello, { role: "peer" }>): Promise<MessagePort> {
  const socket = frameSocket(await call(address));
  await greet(socket, token, hello);
  return portOn(socket, hello.silenceMs);
}

/** A port whose other end is the socket. */
export function portOn(socket: FramedSocket, silenceMs: number): MessagePort {
  const { port1, port2 } = new MessageChannel();
  pump(socket, port2, {
    onEnd: (reason) => {
      socket.finish();
      port2.postMessage({ t: "gone", detail: reason });
      port2.close();
    },
  });
  socket.watch(silenceMs);
  return port1;
}
