import { readFileSync } from "node:fs";
import { HeddleError } from "../base/heddle-error.ts";
import { describeMachine } from "../execute/discover/machine.ts";
import { measureMemoryBandwidth } from "../execute/discover/measure-memory.ts";
import { loadCachedRack } from "../execute/discover/rack-cache.ts";
import { namingFile } from "../execute/naming-file.ts";
import type { Device, Memory, Rack } from "../rack/rack.ts";
import { readRack } from "../rack/rack-file.ts";
import type { OwnDevice } from "./sdk-types.ts";

/** Share of this machine's memory that tensors and weights may take: the rest is the system's and the workers' own. */
const MEMORY_SHARE = 0.7;
/** Memory of a device of one's own whose row names none. Units: bytes. */
const OWN_MEMORY_BYTES = 2 ** 30;

/** The rack a caller means. Errors: `file-unreadable`, `rack-invalid`. */
export function findRack(given: string | Rack): Rack {
  if (typeof given !== "string") return given;
  if (given === "this-machine") return thisMachine();
  return namingFile(given, () => readRack(textOf(given)));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new HeddleError("file-unreadable", { where: path, detail: cause instanceof Error ? cause.message : String(cause), cause });
  }
}

/** All cores as one device, with what `heddle rack discover` measured of it where that was run. */
function thisMachine(): Rack {
  const machine = describeMachine();
  const measured = loadCachedRack(machine.fingerprint);
  const widest = measured?.devices.filter(({ driver }) => driver === "ort").sort((a, b) => b.cores.length - a.cores.length)[0];
  if (measured !== undefined && widest !== undefined) return { ...measured, devices: [widest] };
  const memory: Memory = {
    id: "dram",
    tier: "dram",
    capacityBytes: Math.floor(machine.memoryBytes * MEMORY_SHARE),
    bandwidthBytesPerSecond: measureMemoryBandwidth(),
    basis: "measured",
  };
  const device: Device = { id: "cpu", kind: "cpu", driver: "ort", threads: machine.cores.length, cores: machine.cores, memory: memory.id };
  return { version: 1, name: machine.name, fingerprint: machine.fingerprint, devices: [device], memories: [memory], links: [] };
}

/**
 * A rack with devices of one's own: a row with the id of one that is there changes that row, another one is added, with a memory of 1 GiB where it names
 * none.
 */
export function withOwnDevices(rack: Rack, own: readonly OwnDevice[]): Rack {
  let { devices, memories } = rack;
  for (const { device } of own) {
    const row: Device = {
      kind: "cpu",
      driver: "own",
      threads: 1,
      cores: [],
      memory: `${device.id}-memory`,
      ...devices.find(({ id }) => id === device.id),
      ...device,
    };
    devices = [...devices.filter(({ id }) => id !== device.id), row];
    if (memories.some(({ id }) => id === row.memory)) continue;
    const source = "memory of a device of one's own: not stated, the host's rate assumed";
    memories = [
      ...memories,
      { id: row.memory, tier: "dram", capacityBytes: OWN_MEMORY_BYTES, bandwidthBytesPerSecond: 1e10, basis: "data-sheet", source },
    ];
  }
  return { ...rack, devices, memories };
}
