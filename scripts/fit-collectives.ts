import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { readOperatorTable } from "../src/cost/import/aiconfigurator/read-operator-table.ts";
import { type CollectiveCurve, curveNs } from "../src/cost/network/collectives/collective-curve.ts";
import { collectiveSamples } from "../src/cost/network/collectives/collective-samples.ts";
import { fitCurve, type SystemSamples } from "../src/cost/network/collectives/fit-curve.ts";
import type { CollectiveLibrary, NetworkGeneration } from "../src/cost/network/collectives/network-figures.ts";
import { startCurve } from "../src/cost/network/collectives/start-curves.ts";
import type { CollectiveKind } from "../src/cost/operator/operator-query.ts";

/** Writes `fitted-curves.ts` from the newest public tables: `node dist/scripts/fit-collectives.js ../shared/data/aiconfigurator-ops`. */
const TARGET = "src/cost/network/collectives/fitted-curves.ts";

/** Folders of a generation's systems with the data-sheet rate of a device's links in bytes/ns (NVLink 3, 4, 5: 12 x 25, 18 x 25, 18 x 50 GB/s). */
const SYSTEMS: Readonly<Record<NetworkGeneration, readonly { readonly folder: string; readonly linkRate: number }[]>> = {
  ampere: [{ folder: "a100_sxm", linkRate: 300 }],
  hopper: [
    { folder: "h100_sxm", linkRate: 450 },
    { folder: "h200_sxm", linkRate: 450 },
  ],
  blackwell: [{ folder: "b200_sxm", linkRate: 900 }],
};
/** The newest version of a library that a system has. */
const VERSIONS: Readonly<Record<CollectiveLibrary, { readonly ampere: string; readonly later: string }>> = {
  nccl: { ampere: "2.27.3", later: "2.29.2" },
  vllm: { ampere: "0.14.0", later: "0.24.0" },
  sglang: { ampere: "0.5.10", later: "0.5.14" },
  trtllm: { ampere: "1.0.0", later: "1.3.0rc20" },
};

async function main(root: string): Promise<void> {
  let text = `import type { CollectiveCurve } from "./collective-curve.ts";
import type { CollectiveLibrary, NetworkGeneration } from "./network-figures.ts";
import type { CollectiveKind } from "../../operator/operator-query.ts";

/** A curve fitted on public tables, and how far it is off them: mean of |predicted / measured - 1|. */
export interface FittedCurve {
  readonly lines: CollectiveCurve;
  readonly fitError: number;
  readonly points: number;
  /** Version of the library that was measured. */
  readonly version: string;
}

/**
 * Constants of collectives inside a node by library and generation. Engines replace only all-reduce. CUDA graphs, half precision, 2 to 8 devices.
 *
 * Units: ns; shares of the links' data-sheet rate.
 * Source: fitted by scripts/fit-collectives.ts on ai-dynamo/aiconfigurator@095f58a (Apache-2.0), tables comm/{nccl,vllm,sglang,trtllm} of A100, H100,
 * H200 and B200 SXM.
 */
export const FITTED_CURVES: Readonly<Record<CollectiveLibrary, Readonly<Record<NetworkGeneration, Partial<Record<CollectiveKind, FittedCurve>>>>>> = {\n`;
  for (const library of Object.keys(VERSIONS) as CollectiveLibrary[]) {
    text += `${library}: {`;
    for (const generation of Object.keys(SYSTEMS) as NetworkGeneration[]) {
      text += `${generation}: {`;
      for (const [kind, systems] of await samplesOf(root, library, generation))
        text += `"${kind}": ${fitted(library, generation, kind, systems)},`;
      text += "},";
    }
    text += "},\n";
  }
  writeFileSync(TARGET, `${text}};\n`);
  execFileSync("node_modules/.bin/biome", ["check", "--write", TARGET], { stdio: "inherit" });
}

async function samplesOf(
  root: string,
  library: CollectiveLibrary,
  generation: NetworkGeneration,
): Promise<Map<CollectiveKind, SystemSamples[]>> {
  const byKind = new Map<CollectiveKind, SystemSamples[]>();
  for (const { folder, linkRate } of SYSTEMS[generation]) {
    const version = versionOf(library, generation);
    const path = `${folder}/comm/${library}/${version}/${library === "nccl" ? "nccl" : "custom_allreduce"}_perf.parquet`;
    const table = await readOperatorTable(readFileSync(`${root}/${path}`), path);
    for (const { kind, variant, samples } of collectiveSamples([table])) {
      if (/int8|eager/.test(variant)) continue;
      byKind.set(kind, [...(byKind.get(kind) ?? []), { samples, linkRate }]);
    }
  }
  return byKind;
}

function versionOf(library: CollectiveLibrary, generation: NetworkGeneration): string {
  return generation === "ampere" ? VERSIONS[library].ampere : VERSIONS[library].later;
}

function fitted(
  library: CollectiveLibrary,
  generation: NetworkGeneration,
  kind: CollectiveKind,
  systems: readonly SystemSamples[],
): string {
  const lines: CollectiveCurve = fitCurve(systems, startCurve(library, kind, generation !== "ampere")).map((line) => ({
    ...line,
    baseNs: Math.round(line.baseNs),
    stepNs: Math.round(line.stepNs),
    share: Number(line.share.toPrecision(3)),
  }));
  const errors = systems.flatMap(({ samples, linkRate }) =>
    samples.map((sample) => Math.abs(curveNs(lines, linkRate, sample) / sample.ns - 1)),
  );
  const fitError = Number((errors.reduce((sum, error) => sum + error, 0) / errors.length).toFixed(3));
  console.log(`${library} ${generation} ${kind}: ${errors.length} points, mean error ${(100 * fitError).toFixed(1)} %`);
  return JSON.stringify({ lines, fitError, points: errors.length, version: versionOf(library, generation) });
}

await main(process.argv[2] ?? "../shared/data/aiconfigurator-ops");
