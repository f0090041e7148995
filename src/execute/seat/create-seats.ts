import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { must } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { createBridge } from "./bridge.ts";
import { type ChildHost, startChildHost } from "./child-host.ts";
import { type OpenedSeat, openAtAddress, openHere } from "./open-seat.ts";
import type { Seat, SeatPlace, Seats, SeatsOptions } from "./seat-types.ts";

const CHANNEL_BYTES = 64 * 2 ** 20;
const SILENCE_MS = 10_000;
const TOKEN_BYTES = 32;

/** Seats of this process. */
export function createSeats(options: SeatsOptions): Seats {
  const { cacheFolder, channelBytes = CHANNEL_BYTES, silenceMs = SILENCE_MS } = options;
  const session = randomBytes(8).toString("hex");
  const ownToken = randomBytes(TOKEN_BYTES).toString("hex");
  const folder = mkdtempSync(join(tmpdir(), "heddle-seats-"));
  const bridge = createBridge();
  const seats = new Map<Seat, OpenedSeat>();
  const hosts = new Map<string, Promise<ChildHost>>();
  const joined = new Set<string>();
  let sockets = 0;
  let closed = false;

  const hostFor = (name: string): Promise<ChildHost> => {
    let host = hosts.get(name);
    if (host === undefined) {
      host = startChildHost(`unix:${join(folder, `h${sockets++}`)}`, ownToken);
      hosts.set(name, host);
      const forget = (): void => void hosts.delete(name);
      host.then(({ ended }) => ended.then(forget), forget);
    }
    return host;
  };

  const opened = async (place: SeatPlace): Promise<OpenedSeat> => {
    const { device, memoryBytes, isolation = "process", driver } = place;
    const start = { seat: device.id, device, memoryBytes, cacheFolder, channelBytes };
    if (device.address !== undefined) {
      if (driver !== undefined)
        throw new HeddleError("driver-missing", { where: device.id, detail: "a worker at an address has a driver of its own" });
      const silent = { session, silenceMs };
      return openAtAddress(
        { ...start, driverModule: undefined },
        { address: device.address, token: options.token ?? "", ...silent, child: undefined },
      );
    }
    if (isolation !== "process") return openHere(start, { isolation, driver });
    if (driver !== undefined && typeof driver !== "string") {
      throw new HeddleError("driver-missing", { where: device.id, detail: "a driver that is an object runs inline only; give a module" });
    }
    const child = await hostFor(device.host === undefined ? `device ${device.id}` : `host ${device.host}`);
    const place2 = { address: child.address, token: ownToken, session, silenceMs, child };
    return openAtAddress({ ...start, driverModule: moduleUrl(driver) }, place2);
  };

  const join2 = async (left: OpenedSeat, right: OpenedSeat): Promise<void> => {
    if (left.place.type === "here" && right.place.type === "here") {
      const { port1, port2 } = new MessageChannel();
      left.place.addPeer(right.seat.id, port1);
      right.place.addPeer(left.seat.id, port2);
      return;
    }
    if (right.place.type === "here") return join2(right, left);
    const at = right.place;
    if (left.place.type === "here") {
      const hello = { role: "peer", session, from: left.seat.id, to: right.seat.id, silenceMs } as const;
      left.place.addPeer(right.seat.id, await bridge.dial({ address: at.address, token: at.token, hello }));
      return;
    }
    if (left.place.address === at.address) return left.place.ask({ t: "pair", seat: right.seat.id });
    // A worker elsewhere cannot call a process of this machine; that one calls it.
    if (left.place.remote && !at.remote) return join2(right, left);
    return left.place.ask({ t: "dial", seat: right.seat.id, address: at.address, token: at.token });
  };

  return {
    open: async (place) => {
      if (closed) throw new HeddleError("draining");
      if ([...seats.keys()].some(({ id }) => id === place.device.id)) {
        throw new HeddleError("rack-invalid", { where: place.device.id, detail: "two seats of one name" });
      }
      const made = await opened(place);
      seats.set(made.seat, made);
      made.seat.ended.then(() => {
        seats.delete(made.seat);
        for (const key of [...joined]) if (key.split("\n").includes(made.seat.id)) joined.delete(key);
      });
      return made.seat;
    },
    connect: async (left, right) => {
      const key = [left.id, right.id].sort().join("\n");
      if (left === right || joined.has(key)) return;
      joined.add(key);
      try {
        await join2(rowOf(seats, left), rowOf(seats, right));
      } catch (thrown) {
        joined.delete(key);
        throw thrown;
      }
    },
    close: async () => {
      closed = true;
      await Promise.all([...seats.keys()].map(closeOrKill));
      for (const host of await Promise.allSettled(hosts.values())) {
        if (host.status !== "fulfilled") continue;
        host.value.kill();
        await host.value.ended;
      }
      bridge.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A device that still computes is not waited for longer. Units: ms. */
const CLOSE_MS = 3_000;

async function closeOrKill(seat: Seat): Promise<void> {
  const timer = setTimeout(() => seat.kill(), CLOSE_MS);
  await seat.close().catch(() => undefined);
  clearTimeout(timer);
}

function rowOf(seats: ReadonlyMap<Seat, OpenedSeat>, seat: Seat): OpenedSeat {
  const row = seats.get(seat);
  if (row === undefined) throw new HeddleError("host-lost", { where: seat.id, detail: "the seat is gone" });
  return must(row, "a seat that is open");
}

function moduleUrl(driver: string | undefined): string | undefined {
  if (driver === undefined || driver.startsWith("file:") || driver.startsWith("data:")) return driver;
  return new URL(driver, `file://${process.cwd()}/`).href;
}
