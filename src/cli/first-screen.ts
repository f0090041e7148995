import { formatNs } from "../base/duration.ts";
import { parseChange } from "../plan/deployment/change.ts";
import { changeDeployment } from "../plan/deployment/change-deployment.ts";
import { readDeployment } from "../plan/deployment/deployment-file.ts";
import type { Bar } from "../simulate/bar.ts";
import { deploymentRuns } from "../simulate/deployment/deployment-ensemble.ts";
import type { RunFigures } from "../simulate/deployment/run-figures.ts";
import { barWithFirst } from "../simulate/deployment/what-if.ts";
import { generateColumns } from "../simulate/workload/generate/generate-columns.ts";
import { barText, percent } from "./deployment/deployment-text.ts";
import { priceDeployment } from "./deployment/open-deployment.ts";
import { table } from "./output.ts";

/** The fleet of the first screen: examples/deployments/llama-8b-l40s.yaml, and a load that two devices do not quite carry. */
const DEPLOYMENT = "version: 1\nmodel: Llama-3.1-8B\npools:\n  - { name: l40s, device: l40s, replicas: 2 }\nrouting: least-loaded\n";
const WORKLOAD = "gamma:rate=9,cv=2,prompt=lognormal:1200:0.8,output=50-400,seconds=30,seed=1";
const CHANGES = ["pools.l40s.replicas=4", "pools.l40s.device=h100-sxm"];
const LIMITS = { ttftNs: 500e6, tpotNs: 50e6, share: 0.9 };
const RUNS = 5;

/** What `heddle` alone prints: a what-if that is computed while one reads, and where to go on. Nothing is downloaded, nothing is opened. */
export function firstScreen(): string {
  const { deployment, defaults } = readDeployment(DEPLOYMENT);
  const filled = defaults.map(({ field }) => field);
  const requests = generateColumns(WORKLOAD);
  const figuresOf = (changed: typeof deployment, apart?: ReadonlySet<string>): RunFigures[] => {
    const run = { deployment: changed, ...priceDeployment(changed, "."), requests };
    const runs = deploymentRuns(run, {
      runs: RUNS,
      seed: 1,
      objective: LIMITS,
      measuredAt: "client",
      ...(apart === undefined ? {} : { apart }),
    });
    return [...runs].map(({ figures }) => figures);
  };
  const variants = [
    ["2 x L40S", figuresOf(deployment)] as const,
    ["4 x L40S", figuresOf(changeDeployment(deployment, [parseChange(CHANGES[0]!)], { filled }).deployment)] as const,
    [
      "2 x H100 instead",
      figuresOf(changeDeployment(deployment, [parseChange(CHANGES[1]!)], { filled }).deployment, new Set(["h100-sxm"])),
    ] as const,
  ];
  const row = (name: string, pick: (run: RunFigures) => number, format: (value: number) => string): string[] => [
    name,
    ...variants.map(([, runs]) => barText(barWithFirst(runs.map(pick)) satisfies Bar, format)),
  ];
  return [
    "heddle turns a rack of unlike devices into one programmable machine for AI inference.",
    "",
    `What if? Llama-3.1-8B, ${requests.count} requests that come in bursts, 9 a second; simulated now, from data sheets:`,
    "",
    table(
      ["", ...variants.map(([name]) => name)],
      [
        row("p99 time to first token", ({ ttft }) => ttft.p99, formatNs),
        row("mean time per token", ({ tpot }) => tpot.mean, formatNs),
        row("within 500 ms and 50 ms", ({ goodShare }) => goodShare, percent),
        row(
          "$ a million output tokens",
          (run) => run.dollarsPerMillionOutputTokens,
          (value) => `$${value.toPrecision(3)}`,
        ),
      ],
    ),
    "",
    "All figures are estimated; in brackets, 90 % of runs whose prices err as operators measured elsewhere did. Next:",
    "  heddle what-if fleet.yaml --change pools.0.replicas=4 --workload trace.jsonl    your fleet, your load",
    "  heddle import result.json --deployment fleet.yaml --out fleet.json             a fleet that runs, with what was measured",
    "  heddle validate                                                                how far off such figures are, by kind",
    "  heddle rack catalog                                                            devices and where their figures come from",
    "  heddle up                                                                      serve a model on this machine",
    "  heddle --help                                                                  everything else",
  ].join("\n");
}
