import { dirname } from "node:path";
import type { Command } from "commander";
import { HeddleError } from "../base/heddle-error.ts";
import { type Change, changeDeployment, parseChange } from "../plan/deployment/change-deployment.ts";
import { readDeployment } from "../plan/deployment/deployment-file.ts";
import type { DeploymentRun } from "../simulate/deployment/deployment-run.ts";
import type { Objective } from "../simulate/deployment/objective.ts";
import { type FleetFile, isFleetText, readFleetFile } from "../simulate/imported/fleet-file.ts";
import { scaleColumns } from "../simulate/workload/columns/scale-columns.ts";
import { priceDeployment } from "./deployment/open-deployment.ts";
import { openWorkload } from "./deployment/open-workload.ts";
import { runEnsemble } from "./deployment/run-ensemble.ts";
import { objectiveOption } from "./deployment/run-options.ts";
import { whatIfReport } from "./deployment/what-if-report.ts";
import { whatIfText } from "./deployment/what-if-text.ts";
import { printResult } from "./output.ts";
import { readTextFile } from "./plan-input.ts";
import { wholeNumber } from "./serving-options.ts";

interface WhatIfOptions {
  readonly change: readonly Change[];
  readonly workload?: string;
  readonly slo?: Objective;
  readonly runs: number;
  readonly seed: number;
  readonly json?: boolean;
}

const DEFAULT_RUNS = 20;
const RUNS_MAX = 10_000;
const SEED_MAX = 4_294_967_295;

const HELP = `
A fleet file (\`heddle import\`) holds what runs, what it was asked and what was measured; the answer then says how far the model is off on what is known.
A deployment file needs --workload, and nothing is measured.

A change is a field of the deployment and its new value (null: leave it out); pools go by number or name. workload.rate and workload.length are factors.

Examples:
  heddle what-if fleet.json --change pools.0.replicas=4
  heddle what-if fleet.json --change pools.0.outages.meanUpNs=6.05e14 --change pools.0.outages.repairNs=6e11
  heddle what-if fleet.json --change routing=prefix-aware --change workload.rate=1.5
  heddle what-if examples/deployments/llama-8b-l40s.yaml --change pools.l40s.device=h100-sxm --workload poisson:rate=8,prompt=200-2000,output=50-400,seconds=60`;

/** Adds `heddle what-if`. */
export function addWhatIfCommand(program: Command): void {
  program
    .command("what-if")
    .description("Say what another router, number of replicas, device, setting or load does to a fleet.")
    .argument("<file>", "fleet file or deployment file")
    .requiredOption("--change <field=value>", "what is otherwise; once for each", collectChanges)
    .option("--workload <workload>", "as of `heddle simulate`; a fleet file has its own")
    .option("--slo <limits>", "limits that requests must keep, such as ttft=500ms,tpot=40ms[,e2e=20s][,share=0.9]", objectiveOption)
    .option("--runs <n>", "pairs of runs the intervals are taken over", wholeNumber(1, RUNS_MAX), DEFAULT_RUNS)
    .option("--seed <n>", "seed of the errors and losses drawn", wholeNumber(0, SEED_MAX), 1)
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(whatIf);
}

async function whatIf(path: string, options: WhatIfOptions): Promise<void> {
  const fleet = openFleet(path, options.workload);
  const { runs, seed, slo } = options;
  const folder = dirname(path);
  const ofWorkload = options.change.filter((change) => change.path.startsWith("workload."));
  const changed = changeDeployment(
    fleet.deployment,
    options.change.filter((change) => !ofWorkload.includes(change)),
  );
  const before: DeploymentRun = {
    deployment: fleet.deployment,
    ...priceDeployment(fleet.deployment, folder, fleet),
    requests: fleet.workload.requests,
  };
  const after: DeploymentRun = {
    deployment: changed.deployment,
    // Another model is not the one whose configuration stands in the file.
    ...priceDeployment(
      changed.deployment,
      folder,
      changed.deployment.model === fleet.deployment.model ? fleet : { devices: fleet.devices },
    ),
    requests: scaleColumns(fleet.workload.requests, scaleOf(ofWorkload)),
  };
  const known = new Set(before.pools.map(({ sheet }) => sheet.id));
  const apart = new Set(after.pools.map(({ sheet }) => sheet.id).filter((id) => !known.has(id)));
  const ensemble = { runs, seed, ...(slo === undefined ? {} : { objective: slo }) };
  const was = await runEnsemble(before, ensemble);
  const is = await runEnsemble(after, { ...ensemble, apart });
  const report = whatIfReport({
    source: fleet.source,
    changes: options.change,
    notes: changed.notes,
    defaults: [...fleet.defaults, ...changed.defaults],
    workload: fleet.workload.source,
    seed,
    measured: fleet.measured,
    before: { run: before, figures: was.figures },
    after: { run: after, figures: is.figures },
  });
  printResult(options.json === true, report, () => whatIfText(report));
}

/** A fleet file, or a deployment with a workload. Errors: `usage` where the workload is missing or given twice. */
function openFleet(path: string, workload: string | undefined): FleetFile {
  const text = readTextFile(path);
  if (isFleetText(text)) {
    if (workload !== undefined)
      throw new HeddleError("usage", { where: "--workload", detail: "the fleet file has its own; scale it with --change workload.rate=2" });
    return readFleetFile(text);
  }
  if (workload === undefined)
    throw new HeddleError("usage", { where: "--workload", detail: "a deployment file says nothing of the load: give a workload" });
  const { deployment, defaults } = readDeployment(text);
  return { source: path, deployment, defaults, devices: {}, workload: openWorkload(workload, {}) };
}

function scaleOf(changes: readonly Change[]): { rate: number; prompt: number; output: number } {
  const scale = { rate: 1, length: 1, prompt: 1, output: 1 };
  for (const { path, value } of changes) {
    const field = path.slice("workload.".length);
    const factor = Number(value);
    if (!Object.hasOwn(scale, field) || !(factor > 0 && factor <= 1e6)) {
      throw new HeddleError("usage", {
        where: `--change ${path}`,
        detail: `workload.${Object.keys(scale).join(", workload.")} are factors above 0`,
      });
    }
    scale[field as keyof typeof scale] = factor;
  }
  return { rate: scale.rate, prompt: scale.prompt * scale.length, output: scale.output * scale.length };
}

function collectChanges(text: string, before: readonly Change[] | undefined): readonly Change[] {
  return [...(before ?? []), parseChange(text)];
}
