import { dispatchPricer } from "../../network/all-to-all.ts";
import type { NetworkFigures } from "../../network/collectives/network-figures.ts";
import { tokenBytes, visitedUnits } from "../../network/dispatch-traffic.ts";
import { linkRateOfCores, logicalCardRate } from "../../network/logical-rate.ts";
import type { DispatchQuery } from "../../operator/operator-query.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";
import type { PublishedDeepep } from "./published-deepep.ts";

const CARD = { bytesPerSecond: 50e9 } as const;
/** H800: NVLink of 400 GB/s both ways together, 8 cards of 400 Gbit/s. */
const H800: NetworkFigures = {
  name: "H800",
  generation: "hopper",
  scaleUp: { bytesPerSecond: 200e9, devices: 8, reducesInSwitch: true },
  scaleOut: CARD,
  library: "nccl",
};
const LINK_RATE = { H800: 200, SM100: 900 } as const;
const PER_NODE = 8;
const SM90_CORES = 20;

/** Accuracy on DeepEP's own published figures: nothing was fitted on them. */
export function scorePublishedDeepep(tables: PublishedDeepep): AccuracyRow[] {
  const row = (family: string, device: string, engine: string, pairs: PredictedMeasured[]): AccuracyRow => ({
    dataSet: "deepep-tables",
    protocol: "none of it was fitted on",
    family,
    device,
    engine,
    excluded: {},
    ...errorFigures(pairs),
  });
  return [
    row("rate normal", "H800", "DeepEP V1", tables.v1_normal.rows.flatMap(v1Normal)),
    row("time low latency", "H800", "DeepEP V1", tables.v1_low_latency.rows.flatMap(v1LowLatency)),
    row("logical rate", "H100-class and B200-class", "DeepEP V2", tables.v2.rows.flatMap(v2)),
  ];
}

function both(
  predicted: { readonly dispatch: number; readonly combine: number },
  measured: { readonly dispatch_GBs: number; readonly combine_GBs: number },
): PredictedMeasured[] {
  return [
    { predicted: predicted.dispatch, measured: measured.dispatch_GBs },
    { predicted: predicted.combine, measured: measured.combine_GBs },
  ];
}

function v1Normal(row: PublishedDeepep["v1_normal"]["rows"][number]): PredictedMeasured[] {
  if (row.kind === "intranode")
    return both(
      { dispatch: linkRateOfCores(LINK_RATE.H800, SM90_CORES, "hopper"), combine: linkRateOfCores(LINK_RATE.H800, SM90_CORES, "hopper") },
      row,
    );
  return both({ dispatch: countedRate(row.ep, "dispatch"), combine: countedRate(row.ep, "combine") }, row);
}

/** As DeepEP counts it: a copy for each node a token goes to, its own too, over the time. A token goes to the experts of at most 4 nodes. Units: bytes/ns. */
function countedRate(ranks: number, direction: DispatchQuery["direction"]): number {
  const nodes = ranks / PER_NODE;
  const query: DispatchQuery = {
    op: "dispatch",
    mode: "normal",
    direction,
    tokens: 4096,
    width: 7168,
    active: 8,
    experts: 256,
    ...(nodes > 4 ? { gate: { groups: nodes, chosen: 4 } } : {}),
    ranks,
    ranksPerNode: PER_NODE,
  };
  const priced = dispatchPricer(H800).price(query);
  return priced.ok
    ? (query.tokens * visitedUnits(query, nodes) * tokenBytes(query.width, direction === "dispatch" ? 8 : 16)) / priced.value.ns
    : NaN;
}

function v1LowLatency({ ep, dispatch_us, combine_us }: PublishedDeepep["v1_low_latency"]["rows"][number]): PredictedMeasured[] {
  const base: Omit<DispatchQuery, "direction"> = {
    op: "dispatch",
    mode: "low-latency",
    tokens: 128,
    width: 7168,
    active: 8,
    experts: 256,
    ranks: ep,
    ranksPerNode: PER_NODE,
  };
  return (["dispatch", "combine"] as const).flatMap((direction) => {
    const priced = dispatchPricer(H800).price({ ...base, direction });
    const measured = 1000 * (direction === "dispatch" ? dispatch_us : combine_us);
    return priced.ok ? [{ predicted: priced.value.ns, measured, spread: priced.value.spread }] : [];
  });
}

function v2(row: PublishedDeepep["v2"]["rows"][number]): PredictedMeasured[] {
  const [perNode, nodes] = row.topo.split("x").map(Number);
  if (nodes === undefined) {
    // Logical rates count what stays on the rank.
    const rate = (linkRateOfCores(LINK_RATE.SM100, row.sms, "blackwell") * PER_NODE) / (PER_NODE - 1);
    return both({ dispatch: rate, combine: rate }, row);
  }
  const rate = logicalCardRate(CARD.bytesPerSecond / 1e9, perNode! * nodes, perNode!);
  return both({ dispatch: rate, combine: rate }, row);
}
