import { quantile } from "../../../base/statistics.ts";
import { siliconCut } from "./silicon-faults.ts";
import { type SiliconRow, siliconGroup } from "./silicon-row.ts";
import { siliconSpeculation } from "./silicon-speculation.ts";

/** A campaign this much quicker than another at equal configurations ran with a setting the file does not name. Repeats differ by 6 % (the sample's README). */
const QUICKER = 0.75;
/** Equal configurations it takes to say so. */
const PAIRS_MIN = 2;

/** Runs of one engine version that were measured on one day: model, engine, version, day. */
export function siliconCampaign(row: SiliconRow): string {
  return `${row.model} ${row.engine} ${row.version} ${row.measured}`;
}

/**
 * Campaigns whose aggregated rows contradict others of the same configuration: their median TPOT is below 0.75 of what another campaign measured with
 * equal model, system, engine, formats, cut, lengths and clients. The published benchmark has runs with and without multi-token prediction, and the file
 * has no column for it.
 *
 * Why: told from measurements alone, so that no row is set apart because a prediction missed it.
 */
export function contradictingCampaigns(rows: readonly SiliconRow[]): ReadonlySet<string> {
  const byConfiguration = new Map<string, SiliconRow[]>();
  for (const row of rows) {
    const key = configurationOf(row);
    if (key === undefined) continue;
    const list = byConfiguration.get(key);
    if (list === undefined) byConfiguration.set(key, [row]);
    else list.push(row);
  }
  const ratios = new Map<string, number[]>();
  for (const list of byConfiguration.values()) {
    for (const a of list) {
      for (const b of list) {
        if (siliconCampaign(a) === siliconCampaign(b)) continue;
        const key = `${siliconCampaign(a)}\n${siliconGroup(a)} ${siliconCampaign(b)}`;
        ratios.set(key, [...(ratios.get(key) ?? []), a.tpotMs / b.tpotMs]);
      }
    }
  }
  const found = new Set<string>();
  for (const [key, list] of ratios) if (list.length >= PAIRS_MIN && quantile(list, 0.5) <= QUICKER) found.add(key.split("\n")[0]!);
  return found;
}

/** A row this much quicker than another of its configuration ran with a setting the file does not name. */
const QUICKER_ROW = 1 / 1.2;
/** The same where the benchmark has an entry with the setting and one without for it: quicker by more than repeats differ. */
const QUICKER_ENTRY = 1 / 1.06;

/**
 * Ids of rows that contradict: of a campaign that does, or much quicker than another row of the same configuration (campaigns of one day may hold runs
 * with and without the setting); and of those whose entries in the benchmark say that they ran with it.
 */
export function contradictingRows(rows: readonly SiliconRow[]): ReadonlySet<string> {
  const campaigns = contradictingCampaigns(rows);
  const found = new Set<string>();
  const slowest = new Map<string, number>();
  for (const row of rows) {
    if (campaigns.has(siliconCampaign(row)) || siliconSpeculation(row) === "on") {
      found.add(row.id);
      continue;
    }
    const key = configurationOf(row);
    if (key !== undefined) slowest.set(key, Math.max(slowest.get(key) ?? 0, row.tpotMs));
  }
  for (const row of rows) {
    const key = configurationOf(row);
    const quicker = siliconSpeculation(row) === "either" ? QUICKER_ENTRY : QUICKER_ROW;
    if (key !== undefined && row.tpotMs < quicker * (slowest.get(key) ?? 0)) found.add(row.id);
  }
  return found;
}

/** All that the file says of a row's configuration; undefined for disaggregated rows and cuts that cannot be. */
function configurationOf(row: SiliconRow): string | undefined {
  if (row.mode !== "agg" || row.whole === undefined) return undefined;
  const cut = siliconCut(row, row.whole);
  if ("impossible" in cut) return undefined;
  const clients = row.clients ?? row.whole.batch * cut.cut.data;
  return [siliconGroup(row), row.products, JSON.stringify(cut.cut), row.promptTokens, row.outputTokens, clients].join(" ");
}
