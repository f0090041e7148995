import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { toHeddleError } from "../../base/heddle-error.ts";
import type { DeviceDriver } from "../device/device-driver.ts";
import { compiledEntry } from "../discover/compiled-entry.ts";
import { call } from "../seat-wire/address.ts";
import { frameSocket } from "../seat-wire/framed-socket.ts";
import { greet } from "../seat-wire/handshake.ts";
import type { SeatStart } from "../seat-worker/seat-messages.ts";
import { serveSeat } from "../seat-worker/serve-seat.ts";
import type { ChildHost } from "./child-host.ts";
import { createProgramCourier } from "./program-courier.ts";
import { openClient } from "./seat-client.ts";
import { portLink, type SeatLink, socketLink } from "./seat-link.ts";
import { seatOf } from "./seat-of.ts";
import type { Seat } from "./seat-types.ts";

/** A seat, and how others can reach it. */
export interface OpenedSeat {
  readonly seat: Seat;
  readonly place:
    | { readonly type: "here"; addPeer(seat: string, port: MessagePort): void }
    | {
        readonly type: "elsewhere";
        readonly address: string;
        readonly token: string;
        readonly remote: boolean;
        ask(message: object): Promise<void>;
      };
}

export interface HerePlace {
  readonly isolation: "thread" | "inline";
  readonly driver: string | DeviceDriver | undefined;
}

/** In this process: on a thread of its own, or on the caller's. */
export async function openHere(start: Omit<SeatStart, "driverModule">, { isolation, driver }: HerePlace): Promise<OpenedSeat> {
  const { port1, port2 } = new MessageChannel();
  const module = typeof driver === "string" ? driver : undefined;
  const whole: SeatStart = { ...start, driverModule: module };
  const link =
    isolation === "thread"
      ? threadLink(whole, port1, port2)
      : inlineLink(whole, { port1, port2 }, typeof driver === "string" ? undefined : driver);
  const { client, opened } = await openClient(link);
  const courier = createProgramCourier(client, true);
  const facts = { id: start.seat, pid: process.pid, description: opened.description, courier, kill: link.kill };
  return {
    seat: seatOf(client, facts),
    place: { type: "here", addPeer: (seat, port) => port1.postMessage({ t: "peer", seat, port }, [port]) },
  };
}

function threadLink(start: SeatStart, port1: MessagePort, port2: MessagePort): SeatLink {
  const worker = new Worker(compiledEntry("seat-worker/seat-thread"), { workerData: { start, port: port2 }, transferList: [port2] });
  const ended = new Promise<string>((resolve) => {
    worker.once("error", (error) => resolve(String(error)));
    worker.once("exit", (code) => resolve(`its thread ended with status ${code}`));
  });
  // A native run cannot be stopped from outside without the whole process: the thread frees everything and ends after it.
  return portLink(port1, { seat: start.seat, kill: () => port1.close(), ended: Promise.race([ended, closedPort(port1)]) });
}

function closedPort(port: MessagePort): Promise<string> {
  return new Promise((resolve) => port.once("close", () => resolve("its port was closed")));
}

function inlineLink(
  start: SeatStart,
  ports: { readonly port1: MessagePort; readonly port2: MessagePort },
  driver: DeviceDriver | undefined,
): SeatLink {
  const { port1, port2 } = ports;
  const options = { onClosed: () => port2.close(), ...(driver !== undefined && { driver }) };
  serveSeat(start, port2, options).catch((thrown: unknown) => {
    const { code, where, detail, message } = toHeddleError(thrown);
    port2.postMessage({ t: "gone", code, where: where ?? null, detail: detail ?? message });
    port2.close();
  });
  return portLink(port1, { seat: start.seat, kill: () => port1.close(), ended: closedPort(port1) });
}

export interface AddressPlace {
  readonly address: string;
  readonly token: string;
  readonly session: string;
  readonly silenceMs: number;
  /** The process behind the address, where it is one of this one's. */
  readonly child: ChildHost | undefined;
}

/** Errors: `worker-refused`, `host-lost`, those of opening the device. */
export async function openAtAddress(start: SeatStart, place: AddressPlace): Promise<OpenedSeat> {
  const { address, token, session, silenceMs, child } = place;
  const socket = frameSocket(await call(address));
  await greet(socket, token, { role: "control", session, start, silenceMs });
  if (child === undefined) socket.watch(silenceMs);
  const link = socketLink(socket, {
    seat: start.seat,
    kill: () => (child === undefined ? socket.destroy("it was ended by the front end") : child.kill()),
    lastWords: (reason) => wordsOf(child, reason),
  });
  const { client, opened } = await openClient(link);
  const courier = createProgramCourier(client, child !== undefined);
  const facts = { id: start.seat, pid: child?.pid, description: opened.description, courier, kill: link.kill };
  const ask = (message: object): Promise<void> => client.ask(message, () => undefined);
  return { seat: seatOf(client, facts), place: { type: "elsewhere", address, token, remote: child === undefined, ask } };
}

/** A process says most by how it ended; one that goes on has lost a seat only. Units: ms. */
const LAST_WORDS_MS = 500;

function wordsOf(child: ChildHost | undefined, reason: string): Promise<string> {
  if (child === undefined) return Promise.resolve(reason);
  return Promise.race([child.ended, new Promise<string>((resolve) => setTimeout(() => resolve(reason), LAST_WORDS_MS))]);
}
