import { ok } from "../../base/result.ts";
import type { DeviceSheet } from "../../rack/catalog/device-sheet.ts";
import type { PeakType } from "../../rack/peak-type.ts";
import { type TermTables, termTables } from "../iteration/iteration-parts.ts";
import type { Term } from "../iteration/terms/term.ts";
import type { OperatorModel } from "../operator/operator-model.ts";
import { operatorWork } from "../operator/operator-work.ts";
import { A100_POWER, ASSUMED_POWER, type PowerConstants, powerShare } from "./board-power.ts";

/** Types a device computes in whose sheet has no peak for the one asked: the first it has. */
const WIDER: readonly PeakType[] = ["bf16", "f16", "f32"];

/** Constants that were measured on a device's own chip, or those that are assumed. */
export function powerConstantsOf({ id }: DeviceSheet): PowerConstants {
  return id.startsWith("a100-") ? A100_POWER : ASSUMED_POWER;
}

/** What a device has to move and compute in an iteration, as the least time each takes at the sheet's rates. Units: ns. */
export interface IterationWork {
  readonly memory: TermTables;
  readonly compute: TermTables;
}

/** Tables of an iteration's work; filled as they are asked. Exchanges move nothing here: links' power is not known apart. */
export function iterationWork(sheet: DeviceSheet, terms: readonly Term[]): IterationWork {
  return { memory: termTables(workModel(sheet, "memory"), terms, "all"), compute: termTables(workModel(sheet, "compute"), terms, "all") };
}

/**
 * Mean power of one board over an iteration, in W.
 *
 * Model: achieved over data-sheet rates of memory and multipliers over the whole iteration, as the constants were fitted (`board-power.ts`).
 */
export function iterationWatts(
  sheet: DeviceSheet,
  watts: number,
  { memoryNs, computeNs, ns }: { readonly memoryNs: number; readonly computeNs: number; readonly ns: number },
): number {
  const atMostOne = (share: number): number => (share < 1 ? share : 1);
  const busy = ns > 0 ? { memory: atMostOne(memoryNs / ns), compute: atMostOne(computeNs / ns) } : { memory: 0, compute: 0 };
  return watts * powerShare(powerConstantsOf(sheet), busy);
}

function workModel(sheet: DeviceSheet, of: "memory" | "compute"): OperatorModel {
  const bytesPerNs = sheet.memory.bandwidthBytesPerSecond.value / 1e9;
  const wide = WIDER.map((type) => sheet.peaks[type]).find((peak) => peak !== undefined);
  return {
    source: sheet.id,
    price(query) {
      const work = operatorWork(query);
      let ns = 0;
      if (of === "memory") ns = (work?.bytes ?? (query.op === "stream" ? query.bytes : 0)) / bytesPerNs;
      else if (work !== undefined) {
        const peak = sheet.peaks[work.type] ?? wide;
        ns = peak === undefined ? 0 : (work.ops * 1e9) / peak.value;
      }
      return ok({ ns, spread: 0, basis: "data-sheet", source: sheet.id });
    },
  };
}
