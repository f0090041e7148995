import { totalmem } from "node:os";
import { HeddleError } from "../base/heddle-error.ts";
import { cacheFolder } from "../execute/model-store/cache-folder.ts";
import { isLoopback, parseAddress } from "../execute/seat-wire/address.ts";
import { type SeatHostOptions, startSeatHost } from "../execute/seat-worker/seat-host.ts";
import type { Device } from "../rack/rack.ts";
import { note, printResult } from "./output.ts";
import { parseTextFile, readTextFile } from "./read-file.ts";

interface WorkerFlags {
  readonly listen: string;
  readonly device?: string;
  readonly rack?: string;
  readonly role?: "ipu";
  readonly memory?: number;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** An ipu worker's part of the machine's memory where nothing is said. */
const MEMORY_SHARE = 0.5;

export async function work(flags: WorkerFlags): Promise<void> {
  const token = tokenOf(flags.tokenFile);
  if (token === "" && !isLoopback(parseAddress(flags.listen))) throw new HeddleError("insecure-bind", { where: flags.listen });
  const own = await deviceOf(flags);
  const host = await startSeatHost({ listen: flags.listen, token, own, note });
  const { address } = host;
  const document = { address, device: own.device.id, driver: own.device.driver, memoryBytes: own.memoryBytes, pid: process.pid };
  printResult(flags.json === true, document, () => `${own.device.id} (${own.device.driver}) at ${address}`);
  const name = await new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, resolve);
  });
  note(`${name}: ending`);
  host.close();
  // Threads with a native run under way must not be stopped in an orderly way: that aborts the process with a core dump.
  if (host.seats > 0) process.kill(process.pid, "SIGKILL");
}

async function deviceOf({ role, device, rack, memory }: WorkerFlags): Promise<NonNullable<SeatHostOptions["own"]>> {
  if (role === "ipu") {
    const row: Device = { id: "ipu", kind: "ipu", driver: "ipu", threads: 1, cores: [], memory: "dram" };
    return { device: row, memoryBytes: memory ?? Math.floor(totalmem() * MEMORY_SHARE), cacheFolder: cacheFolder() };
  }
  if (device === undefined || rack === undefined) {
    throw new HeddleError("usage", { where: "worker", detail: "give --device with --rack, or --role ipu" });
  }
  const { readRack } = await import("../rack/rack-file.ts");
  const { devices, memories } = parseTextFile(rack, readRack);
  const row = devices.find(({ id }) => id === device);
  if (row === undefined) throw new HeddleError("device-missing", { where: device, detail: devices.map(({ id }) => id).join(", ") });
  const capacity = memories.find(({ id }) => id === row.memory)?.capacityBytes ?? 0;
  return { device: row, memoryBytes: memory ?? capacity, cacheFolder: cacheFolder() };
}

/** Errors: `file-unreadable`, also for a file without a secret. */
export function tokenOf(path: string | undefined): string {
  if (path === undefined) return "";
  const token = readTextFile(path).trim();
  if (token === "") throw new HeddleError("file-unreadable", { where: path, detail: "it holds no token" });
  return token;
}
