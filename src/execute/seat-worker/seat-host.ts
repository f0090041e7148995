import { chmodSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import { compiledEntry } from "../discover/compiled-entry.ts";
import { type Address, parseAddress } from "../seat-wire/address.ts";
import { type FramedSocket, frameSocket } from "../seat-wire/framed-socket.ts";
import { type Hello, receiveHello, refuse } from "../seat-wire/handshake.ts";
import { dialPeer, portOn } from "./peer-link.ts";
import { pump } from "./pump.ts";
import type { SeatStart, ToSeat } from "./seat-messages.ts";

export interface SeatHostOptions {
  readonly listen: string;
  readonly token: string;
  /** What a caller gets instead of what it asks for; absent: what it asks for, because it started this process. */
  readonly own?: Pick<SeatStart, "device" | "memoryBytes" | "cacheFolder">;
  readonly note?: (text: string) => void;
}

/** Sockets of the seats of a process: each seat has a thread for its device, so what moves does not wait for what runs. */
export interface SeatHost {
  /** With the port that was chosen. */
  readonly address: string;
  readonly seats: number;
  close(): void;
}

interface HostedSeat {
  readonly port: MessagePort;
  readonly socket: FramedSocket;
}

/** Errors: `port-in-use`. */
export async function startSeatHost(options: SeatHostOptions): Promise<SeatHost> {
  const seats = new Map<string, HostedSeat>();
  const server = createServer((socket) => {
    const framed = frameSocket(socket);
    welcome(framed).catch((thrown: unknown) => {
      options.note?.(`a caller was turned away: ${toHeddleError(thrown).message}`);
      framed.finish();
    });
  });
  const welcome = async (socket: FramedSocket): Promise<void> => {
    const { hello, accept } = await receiveHello(socket, options.token);
    if (hello.role === "peer") admitPeer(socket, hello, accept);
    else admitSeat(socket, hello, accept);
  };

  const admitPeer = (socket: FramedSocket, hello: Extract<Hello, { role: "peer" }>, accept: () => void): void => {
    const seat = seats.get(`${hello.session}/${hello.to}`);
    if (seat === undefined) throw refuse(socket, `no seat ${hello.to} here`);
    const port = portOn(socket, hello.silenceMs);
    seat.port.postMessage({ t: "peer", seat: hello.from, port }, [port]);
    accept();
  };

  const admitSeat = (socket: FramedSocket, hello: Extract<Hello, { role: "control" }>, accept: () => void): void => {
    const asked = hello.start as SeatStart;
    const key = `${hello.session}/${asked.seat}`;
    if (options.own !== undefined && seats.size > 0) throw refuse(socket, "the device is taken by another front end");
    if (options.own !== undefined && asked.driverModule !== null && asked.driverModule !== undefined) {
      throw refuse(socket, "a worker at an address has a driver of its own");
    }
    if (seats.has(key)) throw refuse(socket, `there is a seat ${asked.seat} already`);
    const start = { ...asked, ...options.own, driverModule: asked.driverModule ?? undefined };
    const { port1, port2 } = new MessageChannel();
    const worker = new Worker(compiledEntry("seat-worker/seat-thread"), { workerData: { start, port: port2 }, transferList: [port2] });
    const seat: HostedSeat = { port: port1, socket };
    seats.set(key, seat);
    options.note?.(`a front end took ${start.device.id}`);
    accept();
    const take = (message: object): boolean => hostCall(seats, { ...hello, seat }, message as ToSeat);
    pump(socket, port1, {
      take,
      onEnd: () => {
        // The thread frees everything and ends by itself: a native run cannot be stopped from outside.
        port1.close();
        socket.finish();
      },
    });
    // A seat that cannot end as threads do takes no place of the next.
    worker.on("error", (error) => socket.send({ t: "gone", code: "device-failed", where: start.device.id, detail: String(error) }));
    worker.on("exit", () => {
      seats.delete(key);
      options.note?.(`${start.device.id} is free`);
      for (let last = receiveMessageOnPort(port1); last !== undefined; last = receiveMessageOnPort(port1))
        socket.send(last.message as object);
      socket.finish();
    });
    if (options.own !== undefined) socket.watch(hello.silenceMs);
  };

  const address = await listen(server, parseAddress(options.listen));
  return {
    address,
    get seats() {
      return seats.size;
    },
    close: () => {
      server.close();
      for (const { socket } of seats.values()) socket.destroy("the worker was told to end");
    },
  };
}

/** Calls about channels, which need sockets or another seat of this process. */
function hostCall(
  seats: ReadonlyMap<string, HostedSeat>,
  caller: { readonly session: string; readonly start: unknown; readonly silenceMs: number; readonly seat: HostedSeat },
  message: ToSeat,
): boolean {
  if (message.t !== "pair" && message.t !== "dial") return false;
  const own = (caller.start as SeatStart).seat;
  const join = async (): Promise<MessagePort> => {
    if (message.t === "dial") {
      const hello = { role: "peer", session: caller.session, from: own, to: message.seat, silenceMs: caller.silenceMs } as const;
      return dialPeer(message.address, message.token ?? "", hello);
    }
    const other = seats.get(`${caller.session}/${message.seat}`);
    if (other === undefined) throw new HeddleError("host-lost", { where: message.seat });
    const { port1, port2 } = new MessageChannel();
    other.port.postMessage({ t: "peer", seat: own, port: port1 }, [port1]);
    return port2;
  };
  join().then(
    (port) => {
      caller.seat.port.postMessage({ t: "peer", seat: message.seat, port }, [port]);
      caller.seat.socket.send({ t: "done", id: message.id });
    },
    (thrown: unknown) => {
      const { code, where, detail } = toHeddleError(thrown);
      caller.seat.socket.send({ t: "failed", id: message.id, code, where: where ?? null, detail: detail ?? null });
    },
  );
  return true;
}

async function listen(server: Server, address: Address): Promise<string> {
  const where = address.type === "unix" ? { path: address.path } : { host: address.host, port: address.port };
  const once = (): Promise<void> =>
    new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", reject);
      server.listen(where);
    });
  try {
    await once().catch(async (thrown: unknown) => {
      if (address.type !== "unix" || !(await isLeftOver(address.path))) throw thrown;
      rmSync(address.path);
      await once();
    });
  } catch (cause) {
    throw new HeddleError("port-in-use", {
      where: Object.values(where).join(":"),
      detail: cause instanceof Error ? cause.message : String(cause),
    });
  }
  if (address.type === "unix") {
    chmodSync(address.path, OWNER_ONLY);
    return `unix:${address.path}`;
  }
  const bound = server.address() as AddressInfo;
  return `tcp://${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`;
}

const OWNER_ONLY = 0o600;

/** A socket whose process has ended without removing it. */
function isLeftOver(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
}
