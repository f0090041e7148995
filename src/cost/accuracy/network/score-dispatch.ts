import type { DispatchTime } from "../../import/aiconfigurator/read-deepep-table.ts";
import { type DispatchPricer, dispatchPricer } from "../../network/all-to-all.ts";
import type { NetworkFigures } from "../../network/collectives/network-figures.ts";
import { isFittedShape, measuredNs, queryOf } from "../../network/dispatch-fit.ts";
import { measuredCardRate } from "../../network/measured-card-rate.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";

export interface DispatchTable {
  /** `h100_sxm` or `b200_sxm`, and the folder of the version. */
  readonly system: string;
  readonly version: string;
  readonly figures: NetworkFigures;
  readonly rows: readonly DispatchTime[];
}

interface Group {
  readonly row: Omit<AccuracyRow, keyof ReturnType<typeof errorFigures>>;
  readonly pairs: PredictedMeasured[];
}

/**
 * Accuracy of DeepEP's prices on measured tables: shapes held out of the fit on one node, numbers of nodes held out of it beyond; what was fitted on is a row
 * of its own and says so. Normal mode over more nodes than its network was measured on is predicted twice: from the cards' data sheet, and from one rate
 * that two of its runs give.
 */
export function scoreDispatch(tables: readonly DispatchTable[]): AccuracyRow[] {
  const groups = new Map<string, Group>();
  for (const { system, version, figures, rows } of tables) {
    const add = (pricer: DispatchPricer, time: DispatchTime, protocol: string): void => {
      for (const direction of ["dispatch", "combine"] as const) {
        const priced = pricer.price(queryOf(time, direction));
        if (!priced.ok) continue;
        const family = `${direction} ${time.mode}, ${time.nodes} node${time.nodes === 1 ? "" : "s"}`;
        const key = `${system} ${version} ${family} ${protocol}`;
        const group = groups.get(key) ?? {
          row: { dataSet: "aiconfigurator-ops", protocol, family, device: system, engine: `sglang ${version} DeepEP`, excluded: {} },
          pairs: [],
        };
        groups.set(key, group);
        group.pairs.push({ predicted: priced.value.ns, measured: measuredNs(time, direction), spread: priced.value.spread });
      }
    };
    const pricer = dispatchPricer(figures);
    for (const time of rows) add(pricer, time, protocolOf(time, version));
    const far = rows.filter(({ mode, nodes }) => mode === "normal" && nodes > HEALTHY_NODES);
    const rate = measuredCardRate(RATE_CORES.map((cores) => far.filter((time) => time.cores?.dispatch === cores)));
    if (rate === undefined) continue;
    const measured = dispatchPricer({ ...figures, scaleOut: { ...figures.scaleOut, bytesPerSecond: rate, measured: true } });
    for (const time of far) add(measured, time, measuredProtocol(time));
  }
  return [...groups.values()].map(({ row, pairs }) => ({ ...row, ...errorFigures(pairs) }));
}

/** Most nodes at which the tables' network moves what its cards can. */
const HEALTHY_NODES = 4;
/** Runs whose largest dispatch gives the rate of the network beyond; chosen before the others were looked at. */
const RATE_CORES: readonly number[] = [8, 20];

function measuredProtocol(time: DispatchTime): string {
  return RATE_CORES.includes(time.cores?.dispatch ?? 0)
    ? "in sample: 8 and 20 cores, whose largest dispatch gives the rate of the network"
    : "rate of the network from the largest dispatch of 8 and 20 cores; 4, 12, 16 and 24 cores held out";
}

/** Most nodes that low latency, and that normal mode, is fitted on. */
const FITTED_NODES = { "low-latency": 4, normal: 2 } as const;

/** Version whose tables of one node the constants are fitted on. */
const FITTED_VERSION = "0.5.12";

function protocolOf(time: DispatchTime, version: string): string {
  if (time.nodes === 1 && version !== FITTED_VERSION) return "another version than the fit's, held out";
  if (time.nodes === 1) return isFittedShape(time) ? "in sample: shapes the constants are fitted on" : "shapes held out of the fit";
  return time.nodes <= FITTED_NODES[time.mode] ? "in sample: nodes the constants are fitted on" : "numbers of nodes held out of the fit";
}
