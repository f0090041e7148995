import { quantity } from "../base/quantity.ts";
import { type FabricRun, runFabric } from "../simulate/fabric/read-fabric.ts";
import { formatNs, printResult, table } from "./output.ts";
import { parseTextFile } from "./read-file.ts";

/** `heddle rack collectives`. Errors: `file-unreadable`, `fabric-invalid`. */
export function collectives(file: string, flags: { readonly json?: boolean }): void {
  const run = parseTextFile(file, runFabric);
  const { topology, runs } = run;
  const { name, devices, switches, bisectionBytesPerSecond } = topology;
  const shown = {
    fabric: { name, devices, switches, bisectionBytesPerSecond },
    jobs: runs.map((job) => ({ ...job, slowdown: slowdown(job) })),
  };
  printResult(flags.json === true, shown, () => collectivesText(run));
}

function collectivesText({ topology, runs }: FabricRun): string {
  const { name, devices, switches, bisectionBytesPerSecond } = topology;
  const rows = runs.map((job) => [
    job.name,
    String(job.endNs.length),
    formatNs(job.meanNs),
    formatNs(job.aloneNs),
    `${slowdown(job).toFixed(2)} x`,
    quantity(job.busBytesPerSecond, "B/s"),
  ]);
  return [
    `${name}: ${devices} devices, ${switches} switches, bisection ${quantity(bisectionBytesPerSecond, "B/s")}`,
    table(["job", "runs", "mean time", "alone", "slower", "bus rate"], rows),
  ].join("\n\n");
}

function slowdown({ meanNs, aloneNs }: FabricRun["runs"][number]): number {
  return aloneNs > 0 ? meanNs / aloneNs : 1;
}
