import type { DeviceSheet } from "../device-sheet.ts";
import { dataSheet, derived, eightBit, GIB, GIGA, KIB, MIB, teraPeaks } from "../figure.ts";
import { pcie } from "../links.ts";

const GROQ = dataSheet("Groq, GroqCard product brief, 2022, and A Software-defined Tensor Streaming Multiprocessor, ISCA 2022");
const WSE = dataSheet("Cerebras, WSE-3 and CS-3, 2024");
const SN40L = dataSheet("SambaNova SN40L, Hot Chips 2024");
const SN40L_PAPER = dataSheet("Prabhakar et al., SambaNova SN40L, arXiv:2405.07518, 2024");
const WORMHOLE = dataSheet("Tenstorrent documentation, Wormhole n300 specifications, 2026");
const BLACKHOLE_PEAK = derived("Tenstorrent Blackhole p150a with 120 cores, firmware of February 2026");
const BLACKHOLE = dataSheet("Tenstorrent documentation, Blackhole p150a specifications, 2025");

export const DATAFLOW: readonly DeviceSheet[] = [
  {
    id: "groq-lpu",
    name: "Groq LPU (GroqChip 1)",
    vendor: "Groq",
    kind: "dataflow",
    year: 2021,
    peaks: teraPeaks(GROQ, { f16: 188, i8: 750 }),
    memory: { capacityBytes: GROQ(230 * MIB, "SRAM; there is no memory outside the chip"), bandwidthBytesPerSecond: GROQ(80e12) },
    host: pcie(4),
    perNode: dataSheet("Argonne Leadership Computing Facility, AI Testbed documentation, Groq system overview")(8, "cards of a GroqNode"),
  },
  {
    id: "cerebras-wse-3",
    name: "Cerebras WSE-3",
    vendor: "Cerebras",
    kind: "dataflow",
    year: 2024,
    // 125 PFLOP/s are printed as "AI compute" and count sparsity; no dense peak is published.
    peaks: {},
    memory: { capacityBytes: WSE(44 * GIB, "44 GB of SRAM on the wafer"), bandwidthBytesPerSecond: WSE(21e15) },
    cores: { count: WSE(900_000, "cores"), localBytes: WSE(48 * KIB, "SRAM of a core") },
    perNode: dataSheet("aiwiki.ai/wiki/cerebras_wse_3, 2026")(1, "wafer of a CS-3"),
    powerWatts: WSE(23_000, "system"),
  },
  {
    id: "sambanova-sn40l",
    name: "SambaNova SN40L",
    vendor: "SambaNova",
    kind: "dataflow",
    year: 2023,
    peaks: teraPeaks(SN40L, { bf16: 638 }),
    memory: {
      capacityBytes: SN40L(64 * GIB, "64 GB HBM; 1.5 TB of DDR beside it"),
      bandwidthBytesPerSecond: SN40L(1600 * GIGA, "25.6 TB/s over 16 sockets"),
    },
    cores: { count: SN40L_PAPER(1040, "pattern compute units of both dies") },
    cache: { bytes: SN40L(520 * MIB, "SRAM of the pattern memory units") },
    perNode: SN40L(16, "sockets"),
  },
  {
    id: "wormhole-n300",
    name: "Tenstorrent Wormhole n300",
    vendor: "Tenstorrent",
    kind: "dataflow",
    year: 2024,
    peaks: teraPeaks(WORMHOLE, { f16: 131, ...eightBit(466) }),
    memory: { capacityBytes: WORMHOLE(24 * GIB, "24 GB GDDR6"), bandwidthBytesPerSecond: WORMHOLE(576 * GIGA) },
    cores: {
      count: WORMHOLE(128, "Tensix cores of 2 chips"),
      clockHz: WORMHOLE(1e9, "AI clock"),
      localBytes: WORMHOLE(1.5 * MIB, "SRAM of a core"),
    },
    scaleUp: {
      name: "400 Gb/s Ethernet, 2 ports",
      bandwidthBytesPerSecond: derived("Tenstorrent documentation, Wormhole n300 specifications, 2026: 2 QSFP-DD ports of 400 Gb/s")(
        100 * GIGA,
      ),
    },
    host: pcie(4),
    perNode: dataSheet("tenstorrent/tt-metal, tech reports: T3000 (TT-LoudBox)")(4, "n300 cards"),
    powerWatts: WORMHOLE(300),
  },
  {
    id: "blackhole-p150",
    name: "Tenstorrent Blackhole p150a",
    vendor: "Tenstorrent",
    kind: "dataflow",
    year: 2025,
    peaks: {
      f8e4m3: BLACKHOLE_PEAK(664e12, "664 TFLOPS of BLOCKFP8"),
      bf16: BLACKHOLE_PEAK(332e12, "half of the 8-bit rate, as at Hot Chips 2024 (745 and 372 TFLOPS of 140 cores)"),
    },
    memory: { capacityBytes: BLACKHOLE(32 * GIB, "32 GB GDDR6"), bandwidthBytesPerSecond: BLACKHOLE(512 * GIGA) },
    cores: {
      count: BLACKHOLE_PEAK(120, "Tensix cores"),
      clockHz: BLACKHOLE(1.35e9, "AI clock"),
      localBytes: BLACKHOLE(1.5 * MIB, "SRAM of a core"),
    },
    scaleUp: {
      name: "800 Gb/s Ethernet, 4 ports",
      bandwidthBytesPerSecond: derived("Tenstorrent documentation, Blackhole p150a specifications, 2025: 4 QSFP-DD ports of 800 Gb/s")(
        400 * GIGA,
      ),
    },
    host: pcie(5),
    perNode: dataSheet("docs.tenstorrent.com/systems, TT-QuietBox (Blackhole), 2026")(4, "p150 cards"),
    powerWatts: BLACKHOLE(300),
  },
];
