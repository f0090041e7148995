import type { Command } from "commander";
import { HeddleError, toHeddleError } from "../../base/heddle-error.ts";
import { err, ok, type Result } from "../../base/result.ts";
import { writeWhole } from "../../execute/discover/rack-cache.ts";
import { writeDeployment } from "../../plan/deployment/deployment-file.ts";
import type { EmitTarget } from "../../plan/emit/emit-types.ts";
import { openDeployment } from "../deployment/open-deployment.ts";
import { givenOptions, optionText } from "../given-options.ts";
import { note, printResult } from "../output.ts";
import { emitTargets, writeTargets } from "./emit-files.ts";
import { planSlo } from "./plan-slo.ts";
import type { EmitFlags, SloFlags } from "./slo-options.ts";
import { sloReport, sloText } from "./slo-report.ts";

/** Options of a plan of fleets; the others are those of native racks. */
const ELSEWHERE: readonly string[] = [
  ...[
    "slo",
    "fleet",
    "workload",
    "scale",
    "lengths",
    "tokenizer",
    "adapters",
    "images",
    "lora",
    "precision",
    "engine",
    "batchedTokens",
    "sequences",
    "replicaDevices",
    "routing",
  ],
  ...[
    "kvLink",
    "ffn",
    "fabric",
    "budget",
    "errorQuantile",
    "sensitivityPrices",
    "simulations",
    "searchSeconds",
    "seed",
    "measureAt",
    "operators",
    "holdPrompts",
  ],
];
const EMITTING: readonly string[] = [
  ...[
    "deployment",
    "emit",
    "out",
    "checkWith",
    "checkpoint",
    "checkpointTypes",
    "devicesPerNode",
    "accelerator",
    "image",
    "routerImage",
    "draft",
  ],
];
const SHARED: readonly string[] = ["output", "json"];

/** Whether options of fleets or of other systems were given. */
export function isSloPlan(command: Command): boolean {
  return givenOptions(command).some((option) => [...ELSEWHERE, ...EMITTING].includes(option));
}

/** `heddle plan --slo` and `--emit`. Errors: `usage` where options of native racks stand beside them; those of the parts. */
export async function planElsewhere(
  model: string,
  command: Command,
  flags: SloFlags & EmitFlags & { readonly output?: string; readonly json?: boolean },
): Promise<void> {
  const other = givenOptions(command).find((option) => ![...ELSEWHERE, ...EMITTING, ...SHARED].includes(option));
  if (other !== undefined) throw usage(other, "is of plans for native racks; --slo and --emit do not take it");
  if (flags.slo !== undefined && flags.deployment !== undefined) throw usage("deployment", "is planned already; --slo makes one");
  if (flags.slo === undefined) return emitOnly(command, flags);
  const emitting = givenOptions(command).find((option) => EMITTING.includes(option));
  if (emitting !== undefined && flags.emit.length === 0) throw usage(emitting, "goes with --emit");
  refuseIdle(flags);
  refuseOtherEngine(flags);
  const made = await planSlo(model, flags);
  const report = sloReport(made, []);
  const used = new Set(report.deployment.pools.flatMap(({ device, ffn }) => [device, ...(ffn === undefined ? [] : [ffn.device])]));
  const sheets = [...made.sheets].filter(([device]) => used.has(device)).map(([, sheet]) => sheet);
  // The plan is printed and kept even where it cannot be written for a target.
  const written = attempt(() => emitTargets(report.deployment, sheets, flags));
  printResult(flags.json === true, { ...report, emitted: written.ok ? written.value : [] }, () => sloText(report));
  if (flags.output !== undefined) {
    writeWhole(flags.output, writeDeployment(report.deployment));
    note(`wrote ${flags.output}`);
  }
  if (!written.ok) throw written.error;
  if (flags.json !== true || flags.out !== undefined) writeTargets(written.value, flags.out);
}

/** Options that only manifests have a place for, and the targets that are manifests with one. */
const OF_MANIFESTS: readonly { readonly option: "accelerator" | "image" | "routerImage"; readonly targets: readonly EmitTarget[] }[] = [
  { option: "accelerator", targets: ["kubernetes", "dynamo", "llm-d"] },
  { option: "image", targets: ["kubernetes", "dynamo", "llm-d"] },
  { option: "routerImage", targets: ["kubernetes"] },
];

/** Errors: `usage` where no target has a place for an option. */
function refuseIdle(flags: EmitFlags): void {
  for (const { option, targets } of OF_MANIFESTS) {
    if (flags[option] !== undefined && !flags.emit.some((target) => targets.includes(target)))
      throw usage(option, `goes with --emit ${targets.join(", ")}`);
  }
}

/** Targets that run one engine alone, so that a search for another need not begin. */
const ONE_ENGINE: Readonly<Record<string, string>> = { vllm: "vllm", sglang: "sglang", trtllm: "trtllm", "llm-d": "vllm" };

function refuseOtherEngine({ emit, engine }: SloFlags & EmitFlags): void {
  const target = emit.find((each) => (ONE_ENGINE[each] ?? engine) !== engine);
  if (target !== undefined)
    throw usage("emit", `${target} runs ${ONE_ENGINE[target]}, and the plan is for ${engine}: --engine ${ONE_ENGINE[target]}`);
}

function attempt<T>(make: () => T): Result<T, HeddleError> {
  try {
    return ok(make());
  } catch (thrown) {
    return err(toHeddleError(thrown));
  }
}

function emitOnly(command: Command, flags: EmitFlags & { readonly json?: boolean }): void {
  const search = givenOptions(command).find((option) => ELSEWHERE.includes(option));
  if (search !== undefined) throw usage(search, "goes with --slo");
  if (flags.deployment === undefined) throw usage("emit", "needs --deployment or --slo: what is to be written?");
  if (flags.emit.length === 0) throw usage("deployment", "needs --emit: what is it to be written for?");
  if (givenOptions(command).includes("output"))
    throw usage("output", "is where --slo writes its plan; --out is the folder of what is emitted");
  if (command.args.length > 0) throw usage("deployment", `names its model; ${command.args[0]} is not needed`);
  refuseIdle(flags);
  const { deployment, pools } = openDeployment(flags.deployment);
  const written = emitTargets(
    deployment,
    pools.map(({ sheet }) => sheet),
    flags,
  );
  if (flags.json === true) printResult(true, written, () => "");
  if (flags.json !== true || flags.out !== undefined) writeTargets(written, flags.out);
}

function usage(option: string, detail: string): HeddleError {
  return new HeddleError("usage", { where: optionText(option), detail });
}
