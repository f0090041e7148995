import { createServer, type Socket } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

/**
 * The far end of the transport measurements, compiled: as a worker it sends every buffer back over the message port, transferred; as a process it
 * serves a socket that answers every `ECHO_EVERY` bytes with one byte.
 */
if (parentPort !== null && workerData === "echo") {
  const port = parentPort;
  port.on("message", (buffer: ArrayBuffer) => port.postMessage(buffer, [buffer]));
} else if (process.argv[2] === "serve") {
  const path = process.argv[3] ?? "";
  const server = createServer((socket) => answer(socket)).listen(path, () => process.send?.("ready"));
  // The parent's end closes the channel: nothing is left behind when it is killed.
  process.on("disconnect", () => process.exit(0));
  server.on("error", () => process.exit(1));
}

/** The first four bytes of each message say how long it is; one byte answers a whole message. */
function answer(socket: Socket): void {
  let missing = 0;
  socket.on("data", (chunk: Buffer) => {
    let at = 0;
    while (at < chunk.length) {
      if (missing === 0) missing = chunk.readUInt32LE(at);
      const taken = Math.min(missing, chunk.length - at);
      missing -= taken;
      at += taken;
      if (missing === 0) socket.write("k");
    }
  });
  socket.on("error", () => socket.destroy());
}
