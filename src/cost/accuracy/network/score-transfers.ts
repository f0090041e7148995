import { pricePointToPoint } from "../../network/point-to-point.ts";
import { RATE_SHARE } from "../../network/rate-share.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";

/** Published transfer figures; shape of `transfer.json`. Rates in GB/s, times in ms. */
export interface PublishedTransfers {
  readonly mooncake_vllm_qwen3_8b_h800_8xCX7_roce: { readonly rows: readonly (readonly (number | string)[])[] };
  readonly mooncake_te: readonly { readonly net: string; readonly GBs: number }[];
  readonly nixlbench_points: readonly {
    readonly net: string;
    readonly read_GBs?: number;
    readonly write_GBs?: number;
    readonly GBs?: number;
  }[];
  readonly h100_p2p_unidirectional_nvlink_GBs: number;
}

/** Bytes of K and V of one token of Qwen3-8B: 36 layers x 8 heads x 128 x 2 x 2. Source: the table's README, checked against its sizes. */
const TOKEN_BYTES = 147_456;

/**
 * Two constants of a path, start and rate, from transfers of some sizes; scored on the others, each size held out in turn (least squares of relative
 * errors).
 */
export function scoreKvTransfers({ mooncake_vllm_qwen3_8b_h800_8xCX7_roce: table }: PublishedTransfers): AccuracyRow {
  const points = table.rows.map((row) => ({ bytes: Number(row[0]) * TOKEN_BYTES, ns: Number(row[3]) * 1e6 }));
  const pairs = points.map(({ bytes, ns }, out): PredictedMeasured => {
    const { startNs, nsPerByte } = fitPath(points.filter((_, i) => i !== out));
    return { predicted: startNs + nsPerByte * bytes, measured: ns };
  });
  return {
    dataSet: "transfer-tables",
    protocol: "each size held out in turn",
    family: "KV transfer",
    device: "H800, 8 cards of 400 Gbit/s",
    engine: "Mooncake, vLLM, Qwen3-8B",
    excluded: {},
    ...errorFigures(pairs),
    published: "6.2 % at most: two constants fitted on all sizes",
  };
}

/** Weighted least squares of a line: weights 1 / ns^2, so that relative errors count. */
export function fitPath(points: readonly { readonly bytes: number; readonly ns: number }[]): {
  readonly startNs: number;
  readonly nsPerByte: number;
} {
  let [w, wx, wy, wxx, wxy] = [0, 0, 0, 0, 0];
  for (const { bytes, ns } of points) {
    const weight = 1 / (ns * ns);
    w += weight;
    wx += weight * bytes;
    wy += weight * ns;
    wxx += weight * bytes * bytes;
    wxy += weight * bytes * ns;
  }
  const nsPerByte = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  return { startNs: (wy - nsPerByte * wx) / w, nsPerByte };
}

/** Rates of large transfers from data sheets and the shares of `RATE_SHARE`, none of which these points gave. */
export function scoreTransferRates(tables: PublishedTransfers): AccuracyRow {
  const cards: PredictedMeasured[] = [];
  const excluded: Record<string, number> = {};
  const card = (bytesPerNs: number, measured: number | undefined): void => {
    if (measured !== undefined) cards.push({ predicted: bytesPerNs * RATE_SHARE.network, measured });
  };
  for (const { net, GBs } of tables.mooncake_te) {
    if (net.startsWith("8x400")) excluded["host-bound: 190 of 400 GB/s, hosts' figure is not published"] = 1;
    else card(4 * 25, GBs);
  }
  for (const { net, read_GBs, write_GBs, GBs } of tables.nixlbench_points) {
    if (net.includes("TCPXO")) {
      card(25, read_GBs);
      card(25, write_GBs);
    } else card(50, GBs);
  }
  const bytes = 1_073_741_824;
  const nvlink = pricePointToPoint(
    { name: "H100", generation: "hopper", scaleUp: { bytesPerSecond: 450e9, devices: 8, reducesInSwitch: true }, library: "nccl" },
    { op: "point-to-point", bytes, sameNode: true },
  );
  if (nvlink.ok) cards.push({ predicted: bytes / nvlink.value.ns, measured: tables.h100_p2p_unidirectional_nvlink_GBs });
  return {
    dataSet: "transfer-tables",
    protocol: "none of it was fitted on: data-sheet rates and shares from other tables",
    family: "rate of large transfers",
    device: "NVLink 4, RoCE, TCPXO",
    engine: "Mooncake, NIXL, p2pBandwidthLatencyTest",
    excluded,
    ...errorFigures(cards),
  };
}
