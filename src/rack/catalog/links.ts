import { HeddleError } from "../../base/heddle-error.ts";
import type { LinkFigures } from "./device-sheet.ts";
import { type Citation, dataSheet, derived, measured } from "./figure.ts";
import { nearNames } from "./near-names.ts";

/** A technology that connects devices: bandwidth of one direction of one device's share, all its links together. */
export interface LinkSheet extends LinkFigures {
  readonly id: string;
}

/** Round trip over PCIe as a program sees it, 0.8 to 1.3 us; larger where an IOMMU or a second socket is in the way. */
const PCIE_LATENCY = measured("Neugebauer et al., Understanding PCIe performance for end host networking, SIGCOMM 2018")(
  1000,
  "order of a round trip",
);

/** Transfers a second of a lane, by generation. */
const TRANSFERS: Readonly<Record<number, number>> = { 3: 8e9, 4: 16e9, 5: 32e9, 6: 64e9 };

/** All links of the catalogue. */
export const LINK_SHEETS: readonly LinkSheet[] = [
  link("nvlink-2", "NVLink 2", 150e9, dataSheet("NVIDIA V100 data sheet, 2020: 300 GB/s, both directions, 6 links")),
  link("nvlink-3", "NVLink 3", 300e9, dataSheet("NVIDIA A100 data sheet, 2021: 600 GB/s, both directions, 12 links")),
  link("nvlink-4", "NVLink 4", 450e9, dataSheet("NVIDIA H100 data sheet, 2023: 900 GB/s, both directions, 18 links")),
  link(
    "nvlink-4-h800",
    "NVLink 4 (8 links)",
    200e9,
    dataSheet("DeepSeek-AI, Insights into DeepSeek-V3, arXiv:2505.09343, 2025: H800 NVLink 400 GB/s, both directions"),
  ),
  link("nvlink-5", "NVLink 5", 900e9, dataSheet("NVIDIA Blackwell data sheet, 2024: 1.8 TB/s a GPU, both directions")),
  link(
    "nvlink-6",
    "NVLink 6",
    1800e9,
    dataSheet("NVIDIA Vera Rubin NVL72 product page, 2026 (preliminary): 3.6 TB/s a GPU, both directions"),
  ),
  link(
    "ualink-200-x4",
    "UALink 200G 1.0, 4 lanes",
    100e9,
    dataSheet("UALink 200G 1.0 specification, 2025: 200 GT/s a lane, 4 lanes a station = 800 Gb/s a direction"),
  ),
  ...[3, 4, 5, 6].flatMap((generation) => [4, 8, 16].map((lanes) => pcieSheet(generation, lanes))),
  ethernet(100),
  ethernet(200),
  ethernet(400),
  ethernet(800),
  link("infiniband-hdr", "InfiniBand HDR", 25e9, dataSheet("NVIDIA ConnectX-6 data sheet, 2021: 200 Gb/s a port, 4 lanes")),
  link("infiniband-ndr", "InfiniBand NDR", 50e9, dataSheet("NVIDIA ConnectX-7 data sheet, 2022: 400 Gb/s a port, 4 lanes")),
  link("infiniband-xdr", "InfiniBand XDR", 100e9, dataSheet("NVIDIA ConnectX-8 data sheet, 2024: 800 Gb/s a port, 4 lanes")),
  link(
    "cxl-2-x16",
    "CXL 2.0 x16",
    pcieBytes(5, 16),
    derived("CXL 2.0 specification, 2020: runs on the physical layer of PCI Express 5.0; protocol overhead not counted"),
  ),
  link(
    "cxl-3-x16",
    "CXL 3.0 x16",
    pcieBytes(6, 16),
    derived("CXL 3.0 specification, 2022: runs on the physical layer of PCI Express 6.0; protocol overhead not counted"),
  ),
];

/** The link of that id. Errors: `link-unknown` with ids near it. */
export function linkSheet(id: string): LinkSheet {
  const found = LINK_SHEETS.find((sheet) => sheet.id === id);
  if (found !== undefined) return found;
  const ids = LINK_SHEETS.map((sheet) => sheet.id);
  throw new HeddleError("link-unknown", { where: id, detail: `near it: ${nearNames(id, ids).join(", ")}` });
}

/** Figures of PCI Express of a generation and width, for a device that has it. */
export function pcie(generation: number, lanes = 16): LinkFigures {
  const { id: _, ...figures } = pcieSheet(generation, lanes);
  return figures;
}

/** Figures of a link of the catalogue, for a device that has it. */
export function linkFigures(id: string): LinkFigures {
  const { id: _, ...figures } = linkSheet(id);
  return figures;
}

function link(id: string, name: string, bytesPerSecond: number, cite: Citation): LinkSheet {
  return { id, name, bandwidthBytesPerSecond: cite(bytesPerSecond) };
}

/**
 * Bytes a second of one direction: transfers x lanes x coding. PCI Express 3.0 to 5.0 send 128 bits of data in 130; 6.0 sends flits of 256 bytes, of
 * which 236 hold packets.
 */
function pcieBytes(generation: number, lanes: number): number {
  const transfers = TRANSFERS[generation]!;
  return Math.floor(((transfers * lanes) / 8) * (generation < 6 ? 128 / 130 : 236 / 256));
}

function pcieSheet(generation: number, lanes: number): LinkSheet {
  const coding = generation < 6 ? "128b/130b coding" : "236 of 256 bytes of a flit";
  const rate = TRANSFERS[generation]! / 1e9;
  const cite = derived(`PCI Express base specification ${generation}.0: ${rate} GT/s x ${lanes} lanes, ${coding}`);
  return {
    id: `pcie-${generation}-x${lanes}`,
    name: `PCIe ${generation}.0 x${lanes}`,
    bandwidthBytesPerSecond: cite(pcieBytes(generation, lanes)),
    latencyNs: PCIE_LATENCY,
  };
}

function ethernet(gigabits: number): LinkSheet {
  const standard = { 100: "IEEE 802.3bj-2014", 200: "IEEE 802.3bs-2017", 400: "IEEE 802.3bs-2017", 800: "IEEE 802.3df-2024" }[gigabits];
  const cite = derived(`${standard}: ${gigabits} Gb/s of data a direction; headers of RoCE not counted`);
  return link(`roce-${gigabits}`, `${gigabits} Gb/s Ethernet (RoCE)`, (gigabits / 8) * 1e9, cite);
}
