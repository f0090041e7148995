import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { readSilicon } from "../src/cost/accuracy/silicon/read-silicon.ts";
import {
  isBlackwell,
  PROMPT_SHARES,
  type PromptShare,
  SERVED_DEVICES,
  type ServedIntervals,
  type ServedProperties,
  servedCell,
} from "../src/cost/iteration/engines/served-properties.ts";
import { evaluateSilicon } from "../src/simulate/accuracy/silicon-evaluation.ts";
import { servedIntervals } from "../src/simulate/accuracy/silicon-intervals.ts";

/**
 * Writes the intervals of served models' times from the residuals of the public sample, each row predicted by constants that never saw its group: after
 * `fit-silicon.js` and a build, `node dist/scripts/fit-intervals.js ../shared/data/aiconfigurator-silicon`.
 */
const TARGET = "src/cost/iteration/engines/served-intervals.ts";
const BOTH: readonly boolean[] = [true, false];

/** Deployments state their settings: `named` in all. Of devices that were not measured, those of Blackwell are one kind and all others another. */
const every: readonly ServedProperties[] = (["trtllm", "sglang", "vllm", "heddle"] as const).flatMap((engine) =>
  [...(SERVED_DEVICES[engine] ?? []), "b200 unlike these", "another"].flatMap((device) =>
    BOTH.flatMap((mixture) =>
      BOTH.flatMap((longPrompts) =>
        (Object.keys(PROMPT_SHARES) as PromptShare[]).map((promptShare) => ({
          engine,
          named: true,
          mixture,
          blackwell: isBlackwell(device),
          longPrompts,
          promptShare,
          cell: servedCell(engine, device),
        })),
      ),
    ),
  ),
);

function text({ properties, intervals }: ServedIntervals): string {
  return JSON.stringify({ properties, intervals }, (_key, value: unknown) =>
    typeof value === "number" ? Math.round(value * 1000) / 1000 : value,
  );
}

const path = process.argv[2] ?? "../shared/data/aiconfigurator-silicon";
const { points } = evaluateSilicon(readSilicon(readFileSync(`${path}/silicon_sample.csv`, "utf8")).rows);
writeFileSync(
  TARGET,
  `import type { ServedIntervals, ServedTime } from "./served-properties.ts";

/** Written by scripts/fit-intervals.ts from aiconfigurator-silicon (Apache-2.0, aiconfigurator@095f58a). */

/** Of ln(measured / predicted) on groups that nothing was fitted on, by the values of the properties in the order they stand in. */
export const SERVED_INTERVALS: Readonly<Record<ServedTime, ServedIntervals>> = {
tpot: ${text(servedIntervals(points, "tpot", every))},
ttft: ${text(servedIntervals(points, "ttft", every))},
};
`,
);
execFileSync("npx", ["biome", "check", "--write", TARGET], { stdio: "ignore" });
