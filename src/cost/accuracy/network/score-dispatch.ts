import type { DispatchTime } from "../../import/aiconfigurator/read-deepep-table.ts";
import { dispatchPricer } from "../../network/all-to-all.ts";
import type { NetworkFigures } from "../../network/collectives/network-figures.ts";
import { isFittedShape, measuredNs, queryOf } from "../../network/dispatch-fit.ts";
import type { AccuracyRow } from "../accuracy-row.ts";
import { errorFigures, type PredictedMeasured } from "../error-summary.ts";

export interface DispatchTable {
  /** `h100_sxm` or `b200_sxm`, and the folder of the version. */
  readonly system: string;
  readonly version: string;
  readonly figures: NetworkFigures;
  readonly rows: readonly DispatchTime[];
}

/**
 * Accuracy of DeepEP's prices on measured tables: shapes held out of the fit on one node, numbers of nodes held out of it beyond; what was fitted on is a row
 * of its own and says so.
 */
export function scoreDispatch(tables: readonly DispatchTable[]): AccuracyRow[] {
  const groups = new Map<
    string,
    { readonly row: Omit<AccuracyRow, keyof ReturnType<typeof errorFigures>>; readonly pairs: PredictedMeasured[] }
  >();
  for (const { system, version, figures, rows } of tables) {
    const pricer = dispatchPricer(figures);
    for (const time of rows) {
      const protocol = protocolOf(time, version);
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
        group.pairs.push({
          predicted: priced.value.ns,
          measured: measuredNs(time, direction),
          spread: priced.value.spread,
        });
      }
    }
  }
  return [...groups.values()].map(({ row, pairs }) => ({ ...row, ...errorFigures(pairs) }));
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
