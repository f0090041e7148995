/**
 * Fits the constants of attention to chosen tokens (DeepSeek's sparse attention) on AIConfigurator's tables of whole blocks and writes
 * `src/cost/operator/physics/families/sparse-attention.ts`: `npm run build && node dist/scripts/fit-sparse.js <folder of systems/data>`.
 * The folder is that of the package aiconfigurator-core 0.12.0 (Apache-2.0).
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { must } from "../src/base/assert.ts";
import { quantile } from "../src/base/statistics.ts";
import { readOperatorTable } from "../src/cost/import/aiconfigurator/read-operator-table.ts";
import type { MeasuredOperator } from "../src/cost/operator/measured-table.ts";
import type { SparseAttentionQuery } from "../src/cost/operator/operator-query.ts";
import { withConstants } from "../src/cost/operator/physics/constant-slot.ts";
import { deviceFigures } from "../src/cost/operator/physics/device-figures.ts";
import { BLACKWELL } from "../src/cost/operator/physics/families/blackwell.ts";
import { BLACKWELL_SGLANG } from "../src/cost/operator/physics/families/blackwell-sglang.ts";
import { BLACKWELL_TRTLLM } from "../src/cost/operator/physics/families/blackwell-trtllm.ts";
import { GENERIC } from "../src/cost/operator/physics/families/generic.ts";
import { HOPPER } from "../src/cost/operator/physics/families/hopper.ts";
import { HOPPER_SGLANG } from "../src/cost/operator/physics/families/hopper-sglang.ts";
import { HOPPER_TRTLLM } from "../src/cost/operator/physics/families/hopper-trtllm.ts";
import { type DeviceTimes, fitConstants, type MeasuredTime, meanLogError, usable } from "../src/cost/operator/physics/fit/fit-constants.ts";
import { fitSlot } from "../src/cost/operator/physics/fit/fit-slot.ts";
import { type HeldOutErrors, heldOutErrors } from "../src/cost/operator/physics/fit/held-out.ts";
import { START } from "../src/cost/operator/physics/fit/start.ts";
import { operatorNs } from "../src/cost/operator/physics/operator-time.ts";
import type { PhysicsConstants, SparseAttentionConstants } from "../src/cost/operator/physics/physics-constants.ts";
import { plausibleRows } from "../src/cost/operator/plausible-rows.ts";
import { deviceSheet } from "../src/rack/catalog/catalog.ts";
import type { PeakType } from "../src/rack/peak-type.ts";

type Engine = "sglang" | "trtllm" | "vllm";

const SLOT = "sparse-attention";
const TARGET = "src/cost/operator/physics/families/sparse-attention.ts";
const VERSIONS: Readonly<Record<Engine, string>> = { sglang: "0.5.14", trtllm: "1.3.0rc20", vllm: "0.24.0" };
const WORDS: Readonly<Record<Engine, string>> = { sglang: "SGLang 0.5.14", trtllm: "TensorRT-LLM 1.3.0rc20", vllm: "vLLM 0.24.0" };
const HOPPERS = ["h100_sxm", "h200_sxm"];
const BLACKWELLS = ["b200_sxm", "b300_sxm"];

interface Plan {
  readonly name: string;
  readonly from: PhysicsConstants;
  readonly engine: Engine;
  readonly systems: readonly string[];
  /** Format of keys whose rows count; absent: all. */
  readonly kvType?: PeakType;
}

/**
 * SGLang keeps keys in 8 bits on Blackwell unless it is told otherwise, and attends to 16-bit ones there with kernels for 128 heads.
 * `generic`: its error is that of the devices of one family, predicted by the other's.
 */
const PLANS: readonly Plan[] = [
  { name: "generic", from: GENERIC, engine: "vllm", systems: [...HOPPERS, ...BLACKWELLS] },
  { name: "hopper", from: HOPPER, engine: "vllm", systems: HOPPERS },
  { name: "hopperSglang", from: HOPPER_SGLANG, engine: "sglang", systems: HOPPERS },
  { name: "hopperTrtllm", from: HOPPER_TRTLLM, engine: "trtllm", systems: HOPPERS },
  { name: "blackwell", from: BLACKWELL, engine: "vllm", systems: BLACKWELLS },
  { name: "blackwellSglang", from: BLACKWELL_SGLANG, engine: "sglang", systems: BLACKWELLS, kvType: "f8e4m3" },
  { name: "blackwellTrtllm", from: BLACKWELL_TRTLLM, engine: "trtllm", systems: BLACKWELLS },
];
/** Devices of families without measurements are this much less sure. */
const BORROWED = 1.5;
/** SGLang attends densely where a prompt is no longer than what is chosen: kernels `sglang_dsa_dense_mha_*` of its tables. */
const DENSE_SHORT: readonly Engine[] = ["sglang"];
/** Engines whose tables time prompts as Python launches them: rows of few new tokens, or near the least time of their kernel, are times of the host. */
const EAGER: readonly Engine[] = ["sglang", "vllm"];
const EAGER_ROWS = 1.5;
/** Larger batches of decodes are not captured as graphs either: 1.3 ms whatever their size. */
const GRAPH_BATCH = 512;
const EAGER_TOKENS = 2048;
const ROWS_PER_PHASE = 500;
const EVALUATIONS = 700;
const FOLD_EVALUATIONS = 100;

type SparseRow = MeasuredOperator & { readonly query: SparseAttentionQuery };

async function rowsOf(root: string, system: string, { engine }: Plan, table: "context" | "generation"): Promise<SparseRow[]> {
  const file = `${root}/${system}/sparse_attention/${engine}/${VERSIONS[engine]}/dsa_${table}_module_perf.parquet`;
  const read = await readOperatorTable(new Uint8Array(readFileSync(file)), file);
  const { rows } = plausibleRows(read, deviceSheet(system.replace("_", "-"))).table;
  const sparse = rows.filter((row): row is SparseRow => row.query.op === SLOT);
  if (!EAGER.includes(engine)) return sparse;
  if (table === "generation") return sparse.filter(({ query }) => query.batch <= GRAPH_BATCH);
  const floors = new Map<string, number>();
  const kernelOf = ({ variant, query }: SparseRow): string => `${variant} ${query.width} ${query.indexHeads} ${query.type} ${query.kvType}`;
  for (const row of sparse) floors.set(kernelOf(row), Math.min(row.ns, floors.get(kernelOf(row)) ?? Infinity));
  return sparse.filter(
    (row) =>
      row.query.batch * row.query.tokens >= EAGER_TOKENS &&
      row.ns > EAGER_ROWS * must(floors.get(kernelOf(row)), "every kernel has a least time"),
  );
}

/** Rows spread evenly over the file. */
function spread<T>(rows: readonly T[], most: number): T[] {
  const step = Math.max(1, rows.length / most);
  return Array.from({ length: Math.min(rows.length, most) }, (_unused, index) => rows[Math.floor(index * step)]!);
}

async function timesOf(root: string, plan: Plan): Promise<DeviceTimes[]> {
  const found: DeviceTimes[] = [];
  for (const system of plan.systems) {
    const device = deviceFigures(deviceSheet(system.replace("_", "-")));
    const prompts = spread(await rowsOf(root, system, plan, "context"), ROWS_PER_PHASE);
    const decodes = spread(await rowsOf(root, system, plan, "generation"), ROWS_PER_PHASE);
    found.push(usable({ device, rows: [...prompts, ...decodes] }));
  }
  return found;
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

interface Fitted {
  readonly part: SparseAttentionConstants;
  readonly held: HeldOutErrors;
}

/** Errors of the devices of one family by constants of the other's. */
function acrossFamilies(fitted: PhysicsConstants, times: readonly DeviceTimes[]): HeldOutErrors {
  const families = [times.slice(0, HOPPERS.length), times.slice(HOPPERS.length)] as const;
  const errors = [0, 1].flatMap((left) => {
    const constants = fitConstants(fitted, SLOT, families[1 - left]!, EVALUATIONS);
    return families[left]!.flatMap(({ device, rows }) => rows.map(({ query, ns }) => Math.log(operatorNs(device, constants, query) / ns)));
  });
  const off = errors.map((error) => Math.abs(Math.exp(error) - 1));
  const widths = errors.map((error) => Math.exp(Math.abs(error)) - 1);
  return { median: quantile(off, 0.5), p90: quantile(off, 0.9), spread: quantile(widths, 0.9) };
}

function isFitted({ query }: MeasuredTime, { kvType }: Plan): boolean {
  return kvType === undefined || (query.op === SLOT && query.kvType === kvType);
}

async function fitPlan(root: string, plan: Plan): Promise<Fitted> {
  const times = await timesOf(root, plan);
  const denseShort = DENSE_SHORT.includes(plan.engine);
  const start = withConstants(plan.from, SLOT, { ...START.sparseAttention, denseShort });
  const fitted = times.map(({ device, rows }) => ({ device, rows: rows.filter((row) => isFitted(row, plan)) }));
  const best = fitSlot(start, SLOT, fitted, EVALUATIONS);
  const held = plan.name === "generic" ? acrossFamilies(best, times) : heldOutErrors(best, SLOT, fitted, FOLD_EVALUATIONS);
  const numbers = Object.entries(best.sparseAttention).map(([name, value]) => [
    name,
    typeof value === "number" ? rounded(value, 3) : value,
  ]);
  const part = { ...Object.fromEntries(numbers), spread: rounded(held.spread, 2) } as unknown as SparseAttentionConstants;
  process.stderr.write(
    `${plan.name}: ${times.reduce((sum, { rows }) => sum + rows.length, 0)} rows, in-sample ${meanLogError(best, times).toFixed(3)}, held out median ${percent(held.median)} %, p90 ${percent(held.p90)} %; ${JSON.stringify(part)}\n`,
  );
  return { part, held };
}

const root = must(process.argv[2], "the folder of systems/data");
const only = process.argv[3];
const fits = new Map<string, Fitted>();
for (const plan of PLANS) if (only === undefined || plan.name === only) fits.set(plan.name, await fitPlan(root, plan));
if (only === undefined) {
  const notes = PLANS.map(({ name, engine, systems }) => {
    const { held } = must(fits.get(name), name);
    return ` * - ${name}: ${systems.join(", ")}, ${WORDS[engine]}; ${percent(held.median)} %, p90 ${percent(held.p90)} %`;
  });
  const generic = must(fits.get("generic"), "generic").part;
  const parts = [
    ...[...fits].map(([name, { part }]) => `${name}: ${JSON.stringify(part)},`),
    `/** Of families without measurements: those of the others, with wider bars. */\nunmeasured: ${JSON.stringify({ ...generic, spread: rounded(generic.spread * BORROWED, 2) })},`,
  ];
  writeFileSync(
    TARGET,
    `import type { SparseAttentionConstants } from "../physics-constants.ts";

/**
 * Constants of attention to chosen tokens by family of devices and engine.
 *
 * Source: fitted by scripts/fit-sparse.ts on AIConfigurator's tables of whole blocks (package aiconfigurator-core 0.12.0, Apache-2.0: DeepSeek-V3.2 and
 * GLM-5). Prompts that tables time as Python launches them count from 2,048 new tokens and 1.5 times the least time of their kernel on. Errors of whole shapes
 * (heads, model) held out in five folds, median (generic: a device of the other family):
${notes.join("\n")}
 */
export const SPARSE_ATTENTION: Readonly<Record<${[...PLANS.map(({ name }) => JSON.stringify(name)), '"unmeasured"'].join(" | ")}, SparseAttentionConstants>> = {
${parts.join("\n")}
};
`,
  );
  execFileSync("npx", ["biome", "check", "--write", TARGET], { stdio: "ignore" });
}
