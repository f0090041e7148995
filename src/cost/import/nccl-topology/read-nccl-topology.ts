import type { NetworkFigures, NetworkGeneration } from "../../network/collectives/network-figures.ts";
import { measurementsInvalid } from "../measurement-error.ts";
import { type XmlElement, xmlElements } from "./xml-elements.ts";

/** Data-sheet rate of one NVLink, one way, by compute capability (major), in bytes/s; PCIe's lanes carry 128 of 130 bits. */
const NVLINK_RATE: Readonly<Record<number, number>> = { 7: 25e9, 8: 25e9, 9: 25e9, 10: 50e9 };
const GENERATIONS: Readonly<Record<number, NetworkGeneration>> = { 8: "ampere", 9: "hopper", 10: "blackwell" };
/** PCI class of an NVSwitch, and the first capability whose switches add up. */
const SWITCH_CLASS = "0x068000";
const REDUCING_CAPABILITY = 90;
const PCIE_CODING = 128 / 130;

interface Device {
  readonly bus: string;
  readonly capability: number;
  readonly links: number;
  readonly targets: readonly { readonly bus: string; readonly throughSwitch: boolean }[];
  /** One way, in bytes/s; 0 where the file does not tell. */
  readonly pcieRate: number;
}

/**
 * Figures of a node's links from the topology that NCCL dumps (`NCCL_TOPO_DUMP_FILE`): NVLinks, switches, PCIe and network cards.
 *
 * Devices are those that reach one another over NVLink; without NVLink all of the node, over PCIe. Cards are shared evenly.
 * Errors: `measurements-invalid` where there are no GPUs, they differ, or a rate is not known. Source: attributes as NVIDIA/nccl src/graph/xml.cc writes them.
 */
export function readNcclTopology(text: string, file: string): NetworkFigures {
  const elements = xmlElements(text, file);
  const devices = devicesOf(elements, file);
  const [first] = devices;
  if (first === undefined) throw measurementsInvalid({ file }, "names no <gpu>");
  const odd = devices.find((device) => device.capability !== first.capability || device.links !== first.links);
  if (odd !== undefined)
    throw measurementsInvalid({ file }, `GPU ${odd.bus} has another capability or number of NVLinks than ${first.bus}`);
  const major = Math.floor(first.capability / 10);
  const generation = GENERATIONS[major];
  const linked = first.links > 0;
  const rate = linked ? (NVLINK_RATE[major] ?? 0) * first.links : first.pcieRate;
  if (!(rate > 0))
    throw measurementsInvalid(
      { file },
      linked ? `the rate of an NVLink of sm ${first.capability} is not known` : "tells no PCIe speed of its GPUs",
    );
  const card =
    elements.filter(({ name }) => name === "net").reduce((sum, { attributes }) => sum + netRate(attributes.get("speed"), file), 0) /
    devices.length;
  const inSwitch = first.targets.some(({ throughSwitch }) => throughSwitch);
  return {
    name: `${devices.length} GPUs of ${file}`,
    ...(generation === undefined ? {} : { generation }),
    scaleUp: {
      bytesPerSecond: rate,
      devices: linked ? domainSize(devices, file) : devices.length,
      reducesInSwitch: inSwitch && first.capability >= REDUCING_CAPABILITY,
      ...(linked ? {} : { throughHost: true }),
    },
    ...(card > 0 ? { scaleOut: { bytesPerSecond: card } } : {}),
    library: "nccl",
  };
}

function devicesOf(elements: readonly XmlElement[], file: string): Device[] {
  return elements.flatMap((element, index) => {
    if (element.name !== "gpu") return [];
    const pci = elements[element.parent];
    const links = elements.filter(({ name, parent }) => name === "nvlink" && parent === index);
    const capability = Number(element.attributes.get("sm"));
    if (!(Number.isInteger(capability) && capability > 0))
      throw measurementsInvalid({ file }, `a <gpu> has the capability sm="${element.attributes.get("sm") ?? ""}"`);
    return [
      {
        bus: pci?.attributes.get("busid") ?? `gpu ${element.attributes.get("dev") ?? index}`,
        capability,
        links: links.reduce((sum, { attributes }) => sum + linkCount(attributes.get("count"), file), 0),
        targets: links.map(({ attributes }) => ({
          bus: attributes.get("target") ?? "",
          throughSwitch: attributes.get("tclass") === SWITCH_CLASS,
        })),
        pcieRate: pcieRate(pci),
      },
    ];
  });
}

function linkCount(count: string | undefined, file: string): number {
  const links = Number(count);
  if (!(Number.isInteger(links) && links > 0 && links < 1000))
    throw measurementsInvalid({ file }, `an <nvlink> has count="${count ?? ""}"`);
  return links;
}

/** Units: bytes/s; files give Mbit/s. */
function netRate(speed: string | undefined, file: string): number {
  const rate = Number(speed);
  if (!(rate > 0 && rate < 1e9)) throw measurementsInvalid({ file }, `a <net> has speed="${speed ?? ""}"`);
  return (rate * 1e6) / 8;
}

function pcieRate(pci: XmlElement | undefined): number {
  const speed = pci?.attributes.get("link_speed") ?? "";
  const width = pci?.attributes.get("link_width") ?? "";
  const transfers = Number(/^\s*(\d+(?:\.\d+)?)\s*GT\/s/.exec(speed)?.[1] ?? 0);
  const lanes = Number(width);
  return Number.isFinite(lanes) ? ((transfers * 1e9 * lanes) / 8) * PCIE_CODING : 0;
}

/** Devices that NVLink connects: all where a switch does, else the groups that point at one another, which must be equal. */
function domainSize(devices: readonly Device[], file: string): number {
  if (devices.every(({ targets }) => targets.some(({ throughSwitch }) => throughSwitch))) return devices.length;
  const group = new Map(devices.map(({ bus }, i) => [bus, i]));
  for (let changed = true; changed; ) {
    changed = false;
    for (const { bus, targets } of devices) {
      for (const target of targets) {
        const [a, b] = [group.get(bus)!, group.get(target.bus)];
        if (b === undefined || a === b) continue;
        for (const [other, at] of group) if (at === Math.max(a, b)) group.set(other, Math.min(a, b));
        changed = true;
      }
    }
  }
  const sizes = new Map<number, number>();
  for (const at of group.values()) sizes.set(at, (sizes.get(at) ?? 0) + 1);
  const [size, ...others] = new Set(sizes.values());
  if (size === undefined || others.length > 0) throw measurementsInvalid({ file }, "has groups of GPUs on NVLink that differ in size");
  return size;
}
