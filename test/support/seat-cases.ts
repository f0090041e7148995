import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSeats } from "../../src/execute/seat/create-seats.ts";
import type { Seat, Seats } from "../../src/execute/seat/seat-types.ts";
import type { Device } from "../../src/rack/rack.ts";

/** A way in which seats are opened; the suite is the same for all. */
export interface SeatCase {
  readonly name: string;
  /** Whether seats lie in processes of their own. */
  readonly apart: boolean;
  open(options?: { readonly channelBytes?: number }): Promise<SeatTable>;
}

/** Seats of one test. */
export interface SeatTable {
  readonly seats: Seats;
  take(id: string, memoryBytes?: number): Promise<Seat>;
  /** Ends what is behind a seat, as a crash would. */
  kill(seat: Seat): void;
  close(): Promise<void>;
}

const MEMORY_BYTES = 2 ** 30;

export function ipuDevice(id: string, more: Partial<Device> = {}): Device {
  return { id, kind: "ipu", driver: "ipu", threads: 1, cores: [0], memory: "dram", ...more };
}

function localCase(isolation: "thread" | "process" | "inline"): SeatCase {
  return {
    name: isolation,
    apart: isolation === "process",
    open: async (options = {}) => {
      const cacheFolder = mkdtempSync(join(tmpdir(), "heddle-seat-test-"));
      const seats = createSeats({ cacheFolder, ...options });
      return {
        seats,
        take: (id, memoryBytes = MEMORY_BYTES) => seats.open({ device: ipuDevice(id), memoryBytes, isolation }),
        kill: (seat) => (isolation === "process" ? process.kill(seat.pid!, "SIGKILL") : seat.kill()),
        close: async () => {
          await seats.close();
          rmSync(cacheFolder, { recursive: true, force: true });
        },
      };
    },
  };
}

/** Workers started by `heddle worker`, each a process of its own. */
function workerCase(listen: (folder: string, id: string) => string, name: string): SeatCase {
  return {
    name,
    apart: true,
    open: async (options = {}) => {
      const folder = mkdtempSync(join(tmpdir(), "heddle-seat-test-"));
      const token = join(folder, "token");
      writeFileSync(token, "open sesame\n");
      const seats = createSeats({ cacheFolder: folder, token: "open sesame", ...options });
      const workers = new Map<string, ChildProcess>();
      const take = async (id: string, memoryBytes = MEMORY_BYTES): Promise<Seat> => {
        const worker = startWorker(
          ["--role", "ipu", "--listen", listen(folder, id), "--token-file", token, "--memory", String(memoryBytes)],
          folder,
        );
        workers.set(id, worker.child);
        return seats.open({ device: ipuDevice(id, { address: await worker.address }), memoryBytes });
      };
      return {
        seats,
        take,
        kill: (seat) => void workers.get(seat.id)?.kill("SIGKILL"),
        close: async () => {
          await seats.close();
          for (const worker of workers.values()) worker.kill("SIGKILL");
          rmSync(folder, { recursive: true, force: true });
        },
      };
    },
  };
}

export function startWorker(args: readonly string[], home: string): { readonly child: ChildProcess; readonly address: Promise<string> } {
  const main = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url));
  const child = spawn(process.execPath, [main, "worker", ...args, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, HEDDLE_HOME: home },
  });
  const address = new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (more: string) => {
      text += more;
      if (text.trimEnd().endsWith("}")) {
        const told = JSON.parse(text) as { readonly address?: string; readonly error?: { readonly code: string } };
        if (told.address === undefined) reject(Object.assign(new TypeError(text), told.error));
        else resolve(told.address);
      }
    });
    child.once("exit", (code) => reject(new TypeError(`the worker ended with ${code}: ${text}`)));
  });
  return { child, address };
}

export const SEAT_CASES: readonly SeatCase[] = [
  localCase("inline"),
  localCase("thread"),
  localCase("process"),
  workerCase(() => "tcp://127.0.0.1:0", "tcp"),
  workerCase((folder, id) => `unix:${join(folder, id)}`, "unix"),
];
