import { checkEmulation } from "./emulation-check.ts";
import type { Device, Rack } from "./rack.ts";
import type { RackFault } from "./rack-fault.ts";

/** Endpoint of a link that stands for the process in front of the replica hosts. */
export const FRONT_END = "front-end";

/** The first broken relation of a well-formed rack: ids unique, memories and link ends known, cores distinct. */
export function checkRack(rack: Rack): RackFault | undefined {
  return checkMemories(rack) ?? checkDevices(rack) ?? checkLinks(rack);
}

function checkMemories(rack: Rack): RackFault | undefined {
  const seen = new Set<string>();
  for (const [index, { id }] of rack.memories.entries()) {
    if (seen.has(id)) return { path: ["memories", index, "id"], message: `another memory is named ${quoted(id)}` };
    seen.add(id);
  }
  return undefined;
}

function checkDevices(rack: Rack): RackFault | undefined {
  const memories = new Set(rack.memories.map((memory) => memory.id));
  const seen = new Set<string>([FRONT_END]);
  for (const [index, device] of rack.devices.entries()) {
    const at = (field: string, message: string): RackFault => ({ path: ["devices", index, field], message });
    if (seen.has(device.id)) {
      const other = device.id === FRONT_END ? "is reserved" : "names another device too";
      return at("id", `${quoted(device.id)} ${other}`);
    }
    seen.add(device.id);
    if (!memories.has(device.memory))
      return at("memory", `no memory is named ${quoted(device.memory)}; there are ${[...memories].join(", ")}`);
    if (new Set(device.cores).size !== device.cores.length) return at("cores", "a core is listed twice");
    const fault = checkPeaks(device) ?? checkProducts(device) ?? checkEmulation(device, rack);
    if (fault !== undefined) return { ...fault, path: ["devices", index, ...fault.path] };
  }
  return undefined;
}

function checkPeaks({ peaks = [], calibration, overheads }: Device): RackFault | undefined {
  const seen = new Set<string>();
  for (const [index, { type }] of peaks.entries()) {
    if (seen.has(type)) return { path: ["peaks", index, "type"], message: `another peak of the device is of ${type}` };
    seen.add(type);
  }
  if (calibration === undefined || overheads === undefined) return undefined;
  return { path: ["overheads"], message: "a calibrated device has them measured in its calibration" };
}

/** The bits of a product's weights are said where the format leaves them to the file, and nowhere else. */
function checkProducts({ calibration }: Device): RackFault | undefined {
  const index = calibration?.products.findIndex(({ format, bits }) => (format === "block-int8") !== (bits !== undefined)) ?? -1;
  if (index < 0) return undefined;
  return { path: ["calibration", "products", index, "bits"], message: "stands with products in block-int8, and only with them" };
}

function checkLinks(rack: Rack): RackFault | undefined {
  const ends = new Set([FRONT_END, ...rack.devices.map((device) => device.id), ...rack.memories.map((memory) => memory.id)]);
  for (const [index, link] of rack.links.entries()) {
    for (const end of ["from", "to"] as const) {
      if (!ends.has(link[end])) return { path: ["links", index, end], message: `nothing is named ${quoted(link[end])}` };
    }
  }
  return undefined;
}

function quoted(text: string): string {
  return `'${text}'`;
}
