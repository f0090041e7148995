import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { must } from "../src/base/assert.ts";
import { readSilicon } from "../src/cost/accuracy/silicon/read-silicon.ts";
import { contradictingRows } from "../src/cost/accuracy/silicon/silicon-campaigns.ts";
import { FOLD_COUNT, SILICON_FOLDS } from "../src/cost/accuracy/silicon/silicon-folds.ts";
import { type SiliconEngine, siliconGroup } from "../src/cost/accuracy/silicon/silicon-row.ts";
import type { EngineConstants } from "../src/cost/iteration/engines/engine-constants.ts";
import { engineOperators } from "../src/cost/operator/physics/physics-model.ts";
import { deviceSheet } from "../src/rack/catalog/catalog.ts";
import { constantsOf, FITTED, type FitPoint, fitConstants, PRIORS, valuesOf } from "../src/simulate/accuracy/engine-fit.ts";
import {
  FIRST_WAVE_SHARE,
  frontOf,
  type RunnableCase,
  type SiliconTimes,
  siliconCase,
  siliconCost,
  siliconTimes,
  waitsForKernels,
} from "../src/simulate/accuracy/silicon-prediction.ts";

/** Writes the constants of engines from the public sample of served models: `node dist/scripts/fit-silicon.js ../shared/data/aiconfigurator-silicon`. */
const TARGET = "src/simulate/accuracy/silicon-constants.ts";
const PUBLIC_TARGET = "src/cost/iteration/engines/fitted-engines.ts";

/** Rows of a group that a fit sees at most: evenly spaced in the file's order. */
const GROUP_ROWS = 16;
/** Host time of a layer in iterations with prompts: tried one by one, as it is a floor and not a slope. Units: ns. */
const EAGER_NS = [0, 400_000];
/** Predictions are linear in the constants only nearby, and the fit keeps them near its priors. */
const PASSES = 1;
/** In this order: what an engine has no rows for (8 bits on Blackwell, mixtures, other benchmarks, cold starts) it takes from the one before, of the same fold. */
const ENGINES: readonly SiliconEngine[] = ["trtllm", "sglang", "vllm"];
const INHERITED = new Set<string>(["blackwellEight", "frontMixtureNs", "frontOtherNs", "compileNs"]);
/**
 * SGLang's wait for kernels: all rows that show it are of one group, so what predicts them is this. Source: some 60 s for a new size of DeepGEMM's products
 * (sgl-project/sglang issue 5031); 40 to 58 s of a first wave on a B200 that nothing warmed (aws-samples/aws-do-eks pull request 88). Units: ns.
 */
const COMPILE_PRIOR: Partial<Record<SiliconEngine, number>> = { sglang: 60e9 };
/** Fold in which nothing is held out. */
const NONE = -1;

interface Sampled {
  readonly test: RunnableCase;
  readonly fold: number;
  readonly weight: number;
}

function sampled(path: string, engine: SiliconEngine): Sampled[] {
  const { rows } = readSilicon(readFileSync(`${path}/silicon_sample.csv`, "utf8"));
  const contradicting = contradictingRows(rows);
  const groups = new Map<string, RunnableCase[]>();
  for (const row of rows) {
    if (row.engine !== engine || contradicting.has(row.id)) continue;
    const test = siliconCase(row);
    if ("excluded" in test) continue;
    const list = groups.get(siliconGroup(row)) ?? [];
    groups.set(siliconGroup(row), [...list, test]);
  }
  return [...groups].flatMap(([group, list]) => {
    const kept = list.filter(
      (_unused, index) => Math.floor((index * GROUP_ROWS) / list.length) !== Math.floor(((index - 1) * GROUP_ROWS) / list.length),
    );
    return kept.map((test) => ({ test, fold: must(SILICON_FOLDS[group], group), weight: Math.sqrt(list.length) / kept.length }));
  });
}

function timesOf(test: RunnableCase, constants: EngineConstants): SiliconTimes {
  const cost = siliconCost(test, { operators: engineOperators, constants });
  if (!cost.ok) throw new Error(`${test.row.id}: ${JSON.stringify(cost.error)}`);
  return siliconTimes(test, cost.value, constants);
}

/** Steps of the slopes: small beside `far`, large beside a nanosecond. */
const SLOPE_STEP = 0.3;

function pointOf({ test, weight }: Sampled, from: readonly number[], eagerLayerNs: number): FitPoint {
  const base = timesOf(test, constantsOf(from, eagerLayerNs));
  const slopes = FITTED.map(({ name, far }, index) => {
    if (name === "frontNs") return { ttftNs: 1, tpotNs: 0 };
    if (name === "frontClientNs") return { ttftNs: test.clients, tpotNs: 0 };
    if (name === "frontMixtureNs") return { ttftNs: frontOf(test).mixture ? 1 : 0, tpotNs: 0 };
    if (name === "frontOtherNs") return { ttftNs: frontOf(test).direct ? 0 : 1, tpotNs: 0 };
    if (name === "compileNs") return { ttftNs: waitsForKernels(test) ? FIRST_WAVE_SHARE : 0, tpotNs: 0 };
    if (name === "blackwellEight" && !affected(test)) return { ttftNs: 0, tpotNs: 0 };
    const by = SLOPE_STEP * far;
    const moved = timesOf(
      test,
      constantsOf(
        from.map((value, at) => (at === index ? value + by : value)),
        eagerLayerNs,
      ),
    );
    return { ttftNs: (moved.ttftNs - base.ttftNs) / by, tpotNs: (moved.tpotNs - base.tpotNs) / by };
  });
  const { ttftMs, tpotMs } = test.row;
  return { weight, base, slopes, measured: { ttftNs: ttftMs * 1e6, tpotNs: tpotMs * 1e6 } };
}

function affected({ row, formats }: RunnableCase): boolean {
  const family = /^g?b[23]00/.test(deviceSheet(row.device).id);
  return family && (formats.weights.startsWith("f8") || (formats.experts ?? "").startsWith("f8"));
}

interface Fitted {
  readonly constants: EngineConstants;
  readonly loss: number;
  readonly points: number;
}

/** Fits of one engine by the fold they leave out. */
function fitEngine(path: string, engine: SiliconEngine, before: ReadonlyMap<number, Fitted> | undefined): Map<number, Fitted> {
  const rows = sampled(path, engine);
  const folds = [NONE, ...Array.from({ length: FOLD_COUNT }, (_unused, fold) => fold)];
  let from: readonly number[] = PRIORS;
  const priorsOf = (fold: number): readonly number[] =>
    FITTED.map(({ name, prior }) =>
      name === "compileNs" && COMPILE_PRIOR[engine] !== undefined
        ? COMPILE_PRIOR[engine]
        : INHERITED.has(name)
          ? (before?.get(fold)?.constants[name as "blackwellEight" | "frontMixtureNs" | "frontOtherNs" | "compileNs"] ?? prior)
          : prior,
    );
  let eagers: readonly number[] = EAGER_NS;
  const found = new Map<number, Fitted>();
  for (let pass = 0; pass < PASSES; pass++) {
    found.clear();
    for (const eager of eagers) {
      const points = rows.map((row) => ({ fold: row.fold, point: pointOf(row, from, eager) }));
      for (const fold of folds) {
        const seen = points.filter((one) => one.fold !== fold).map(({ point }) => point);
        const { values, loss } = fitConstants(seen, from, priorsOf(fold));
        const kept = found.get(fold);
        if (kept === undefined || loss < kept.loss) found.set(fold, { constants: constantsOf(values, eager), loss, points: seen.length });
      }
    }
    const all = must(found.get(NONE), engine);
    process.stderr.write(`${engine} pass ${pass}: ${rows.length} rows, loss ${all.loss.toFixed(4)}, ${JSON.stringify(all.constants)}\n`);
    from = valuesOf(all.constants);
    const { eagerLayerNs } = all.constants.overheads;
    eagers = [...new Set([0.75, 1, 1.3].map((factor) => Math.round(eagerLayerNs * factor)))];
  }
  return found;
}

function text(constants: EngineConstants): string {
  const rounded = (key: string, value: unknown): unknown =>
    typeof value !== "number" ? value : key.endsWith("Ns") ? Math.round(value) : Math.round(value * 1000) / 1000;
  return JSON.stringify(constants, rounded);
}

const path = process.argv[2] ?? "../shared/data/aiconfigurator-silicon";
const only = process.argv[3];
const fits = new Map<SiliconEngine, Map<number, Fitted>>();
let last: Map<number, Fitted> | undefined;
for (const engine of ENGINES) {
  if (only !== undefined && engine !== only) continue;
  last = fitEngine(path, engine, last);
  fits.set(engine, last);
}
if (only === undefined) {
  const header = `/** Written by scripts/fit-silicon.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */\n`;
  const folds = [...fits].map(
    ([engine, found]) =>
      `${engine}: [${Array.from({ length: FOLD_COUNT }, (_unused, fold) => text(must(found.get(fold), engine).constants)).join(", ")}],`,
  );
  writeFileSync(
    TARGET,
    `import type { SiliconEngine } from "../../cost/accuracy/silicon/silicon-row.ts";
import type { EngineConstants } from "../../cost/iteration/engines/engine-constants.ts";

${header}
/** Constants of each engine by the fold that they never saw. */
export const SILICON_CONSTANTS: Readonly<Record<SiliconEngine, readonly EngineConstants[]>> = {
${folds.join("\n")}
};
`,
  );
  const all = [...fits].map(([engine, found]) => {
    const { constants, loss, points } = must(found.get(NONE), engine);
    return `/** ${points} rows; mean of |ln(predicted / measured)| of TPOT, 0.3 of that of TTFT, and the pull to the priors: ${loss.toFixed(3)}. */\n${engine}: ${text(constants)},`;
  });
  writeFileSync(
    PUBLIC_TARGET,
    `import type { EngineConstants } from "./engine-constants.ts";

${header}
/** Constants of each engine from all rows of the sample. Their error on groups they have not seen is in docs/accuracy.md. */
export const FITTED_ENGINES: Readonly<Record<"trtllm" | "sglang" | "vllm", EngineConstants>> = {
${all.join("\n")}
};
`,
  );
  execFileSync("npx", ["biome", "check", "--write", TARGET, PUBLIC_TARGET], { stdio: "ignore" });
}
