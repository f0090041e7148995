/** Public tables of networks, read from the folder of data sets. */
import { readdirSync, readFileSync } from "node:fs";
import type { PublishedDeepep } from "../src/cost/accuracy/network/published-deepep.ts";
import type { DispatchTable } from "../src/cost/accuracy/network/score-dispatch.ts";
import type { PublishedTransfers } from "../src/cost/accuracy/network/score-transfers.ts";
import { readLowLatencyDispatch, readNormalDispatch } from "../src/cost/import/aiconfigurator/read-deepep-table.ts";
import { readOperatorTable } from "../src/cost/import/aiconfigurator/read-operator-table.ts";
import { readCsvColumns } from "../src/cost/import/csv/numeric-csv.ts";
import { type BusRatio, readBusRatios } from "../src/cost/import/simai/read-bus-ratios.ts";
import type { NetworkFigures } from "../src/cost/network/collectives/network-figures.ts";
import type { MeasuredTable } from "../src/cost/operator/measured-table.ts";

/** All collective tables below `<root>/aiconfigurator-ops`, or those whose path holds `part`. */
export async function collectiveTables(root: string, part = ""): Promise<MeasuredTable[]> {
  const folder = `${root}/aiconfigurator-ops`;
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (path) => /(nccl|custom_allreduce)_perf\.parquet$/.test(path) && path.includes(part),
  );
  return Promise.all(paths.sort().map((path) => readOperatorTable(readFileSync(`${folder}/${path}`), path)));
}

const DISPATCH_TABLES = [
  ["h100_sxm", "0.5.12", "hopper"],
  ["b200_sxm", "0.5.12", "blackwell"],
  ["h100_sxm", "0.5.6.post2", "hopper"],
] as const;

export function dispatchTables(root: string): Promise<DispatchTable[]> {
  return Promise.all(
    DISPATCH_TABLES.map(async ([system, version, generation]) => {
      const path = `aiconfigurator-ops/${system}/comm/sglang/${version}/wideep_deepep_`;
      const normal = await readNormalDispatch(readFileSync(`${root}/${path}normal_perf.parquet`), `${path}normal_perf.parquet`);
      const lowLatency = await readLowLatencyDispatch(readFileSync(`${root}/${path}ll_perf.parquet`), `${path}ll_perf.parquet`);
      return { system, version, figures: hgx(generation), rows: [...normal, ...lowLatency] };
    }),
  );
}

/** Eight devices on NVLink with a card of 400 Gbit/s each. */
export function hgx(generation: "ampere" | "hopper" | "blackwell"): NetworkFigures {
  const bytesPerSecond = { ampere: 300e9, hopper: 450e9, blackwell: 900e9 }[generation];
  const scaleUp = { bytesPerSecond, devices: 8, reducesInSwitch: generation !== "ampere" };
  return { name: `8 x ${generation}`, generation, scaleUp, scaleOut: { bytesPerSecond: 50e9 }, library: "nccl" };
}

/** The all-reduce of 8 H100 as nccl-tests printed it, transcribed to CSV. */
export function dgxAllReduce(root: string): MeasuredTable {
  const file = "nccl-tests/allreduce_h100x8_nvlink_nvls_dgxc.csv";
  const { numbers, count } = readCsvColumns(readFileSync(`${root}/${file}`, "utf8"), { file, numbers: ["size_bytes", "oop_time_us"] });
  const rows = Array.from({ length: count }, (_, i) => ({
    query: { op: "collective", kind: "all-reduce", bytes: numbers.size_bytes[i]!, ranks: 8, ranksPerNode: 8 } as const,
    ns: numbers.oop_time_us[i]! * 1000,
    row: i + 1,
  }));
  return { file, device: "H100", engine: "nccl-tests", rows, skipped: {} };
}

export function busRatios(root: string, name: "nic" | "nvlink" | "ata"): BusRatio[] {
  const file = `simai-busbw-ratios/${name}_ratio.csv`;
  return readBusRatios(readFileSync(`${root}/${file}`, "utf8"), file);
}

export function publishedDeepep(root: string): PublishedDeepep {
  return JSON.parse(readFileSync(`${root}/deepep-tables/deepep.json`, "utf8")) as PublishedDeepep;
}

export function publishedTransfers(root: string): PublishedTransfers {
  return JSON.parse(readFileSync(`${root}/transfer-tables/transfer.json`, "utf8")) as PublishedTransfers;
}
