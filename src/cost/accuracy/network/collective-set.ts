import { pathOrigin } from "../../import/aiconfigurator/read-operator-table.ts";
import { collectiveSamples } from "../../network/collectives/collective-samples.ts";
import type { CurveSample } from "../../network/collectives/fit-curve.ts";
import type { CollectiveLibrary, NetworkGeneration } from "../../network/collectives/network-figures.ts";
import type { MeasuredTable } from "../../operator/measured-table.ts";
import type { CollectiveKind } from "../../operator/operator-query.ts";

/** One collective of one library and version on one system. */
export interface CollectiveSet {
  readonly system: string;
  readonly generation: NetworkGeneration;
  readonly library: CollectiveLibrary;
  readonly version: string;
  readonly kind: CollectiveKind;
  /** How it was launched. */
  readonly launch: "graph" | "eager";
  /** Data-sheet rate of a device's links. Units: bytes/ns. */
  readonly linkRate: number;
  readonly samples: readonly CurveSample[];
}

export interface CollectiveSets {
  readonly sets: readonly CollectiveSet[];
  /** Rows left out, by reason. */
  readonly excluded: Readonly<Record<string, number>>;
}

interface System {
  readonly generation: NetworkGeneration;
  readonly linkRate: number;
}

/** Systems of the tables. Source: data sheets of NVLink 3, 4 and 5 (12 x 25, 18 x 25, 18 x 50 GB/s one way). */
const SYSTEMS: Readonly<Record<string, System>> = {
  a100_sxm: { generation: "ampere", linkRate: 300 },
  h100_sxm: { generation: "hopper", linkRate: 450 },
  h200_sxm: { generation: "hopper", linkRate: 450 },
  b200_sxm: { generation: "blackwell", linkRate: 900 },
};
const LIBRARIES: Readonly<Record<string, CollectiveLibrary>> = { nccl: "nccl", vllm: "vllm", sglang: "sglang", trtllm: "trtllm" };

/** Half precision, by system, library, version, collective and launch; tables whose rows tell of another library or version are left out. */
export function collectiveSets(tables: readonly MeasuredTable[]): CollectiveSets {
  const sets: CollectiveSet[] = [];
  const excluded: Record<string, number> = {};
  const leaveOut = (reason: string, rows: number): void => {
    excluded[reason] = (excluded[reason] ?? 0) + rows;
  };
  for (const table of tables) {
    const origin = pathOrigin(table.file);
    const system = origin === undefined ? undefined : SYSTEMS[origin.system];
    const library = origin === undefined ? undefined : LIBRARIES[origin.engine];
    if (origin === undefined || system === undefined || library === undefined) {
      leaveOut("system or library is not known", table.rows.length);
      continue;
    }
    if (!tellsOf(table, library, origin.version)) {
      leaveOut("rows tell of another version than their folder: copies", table.rows.length);
      continue;
    }
    for (const { kind, variant, samples } of collectiveSamples([table])) {
      if (/int8/.test(variant)) leaveOut("int8, beside half precision", samples.length);
      else {
        const launch = /eager/.test(variant) ? "eager" : "graph";
        sets.push({ system: origin.system, ...system, library, version: origin.version, kind, launch, samples });
      }
    }
  }
  return { sets, excluded };
}

/** Tables of NCCL 2.23 have no origin columns; those of engines name the engine, those of NCCL the version of the library. */
function tellsOf({ engine }: MeasuredTable, library: CollectiveLibrary, version: string): boolean {
  if (library === "nccl") return engine === "" || engine.endsWith(` ${version}`);
  return engine.toLowerCase().startsWith(library);
}
