import type { PublishedDeepep } from "../../cost/accuracy/network/published-deepep.ts";
import type { DispatchTable } from "../../cost/accuracy/network/score-dispatch.ts";
import type { PublishedTransfers } from "../../cost/accuracy/network/score-transfers.ts";
import { readLowLatencyDispatch, readNormalDispatch } from "../../cost/import/aiconfigurator/read-deepep-table.ts";
import { readOperatorTable } from "../../cost/import/aiconfigurator/read-operator-table.ts";
import { readCsvColumns } from "../../cost/import/csv/numeric-csv.ts";
import { type BusRatio, readBusRatios } from "../../cost/import/simai/read-bus-ratios.ts";
import type { NetworkFigures, NetworkGeneration } from "../../cost/network/collectives/network-figures.ts";
import type { MeasuredTable } from "../../cost/operator/measured-table.ts";
import type { DataFolder } from "./data-folder.ts";

const DISPATCH_TABLES = [
  ["h100_sxm", "0.5.12", "hopper"],
  ["b200_sxm", "0.5.12", "blackwell"],
  ["h100_sxm", "0.5.6.post2", "hopper"],
] as const;
/** Links of the generations, one way. Source: data sheets of NVLink 3, 4 and 5 (12 x 25, 18 x 25, 18 x 50 GB/s). */
const LINK_RATES: Readonly<Record<NetworkGeneration, number>> = { ampere: 300e9, hopper: 450e9, blackwell: 900e9 };
/** Card of 400 Gbit/s. */
const CARD_RATE = 50e9;

/** Collectives as AIConfigurator measured them: all tables, or those whose path holds `part`. */
export function collectiveTables(data: DataFolder, part = ""): Promise<MeasuredTable[]> {
  const paths = data
    .files("aiconfigurator-ops")
    .filter((path) => /(nccl|custom_allreduce)_perf\.parquet$/.test(path) && path.includes(part));
  return Promise.all(paths.map((path) => readOperatorTable(data.bytes(path), path)));
}

/** DeepEP as AIConfigurator measured it. */
export function dispatchTables(data: DataFolder): Promise<DispatchTable[]> {
  return Promise.all(
    DISPATCH_TABLES.map(async ([system, version, generation]) => {
      const path = (mode: string): string => `aiconfigurator-ops/${system}/comm/sglang/${version}/wideep_deepep_${mode}_perf.parquet`;
      const normal = await readNormalDispatch(data.bytes(path("normal")), path("normal"));
      const lowLatency = await readLowLatencyDispatch(data.bytes(path("ll")), path("ll"));
      return { system, version, figures: hgx(generation), rows: [...normal, ...lowLatency] };
    }),
  );
}

/** Eight devices on NVLink with a card each. */
export function hgx(generation: NetworkGeneration): NetworkFigures {
  const scaleUp = { bytesPerSecond: LINK_RATES[generation], devices: 8, reducesInSwitch: generation !== "ampere" };
  return { name: `8 x ${generation}`, generation, scaleUp, scaleOut: { bytesPerSecond: CARD_RATE }, library: "nccl" };
}

/** The all-reduce of 8 H100 as nccl-tests printed it, transcribed to CSV. */
export function ncclTestsTable(data: DataFolder): MeasuredTable {
  const file = "nccl-tests/allreduce_h100x8_nvlink_nvls_dgxc.csv";
  const { numbers, count } = readCsvColumns(data.text(file), { file, numbers: ["size_bytes", "oop_time_us"] });
  const rows = Array.from({ length: count }, (_, i) => ({
    query: { op: "collective", kind: "all-reduce", bytes: numbers.size_bytes[i]!, ranks: 8, ranksPerNode: 8 } as const,
    ns: numbers.oop_time_us[i]! * 1000,
    row: i + 1,
  }));
  return { file, device: "H100", engine: "nccl-tests", rows, skipped: {} };
}

export function busRatios(data: DataFolder, name: "nic" | "nvlink" | "ata"): BusRatio[] {
  const file = `simai-busbw-ratios/${name}_ratio.csv`;
  return readBusRatios(data.text(file), file);
}

export function publishedDeepep(data: DataFolder): PublishedDeepep {
  return data.json("deepep-tables/deepep.json") as PublishedDeepep;
}

export function publishedTransfers(data: DataFolder): PublishedTransfers {
  return data.json("transfer-tables/transfer.json") as PublishedTransfers;
}
