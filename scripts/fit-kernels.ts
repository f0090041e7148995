/**
 * Fits the constants of engines' own kernels on AIConfigurator's operator tables of those engines and writes
 * `src/cost/operator/physics/families/<family>-<engine>.ts`:
 * `npm run build && node dist/scripts/fit-kernels.js <folder of systems/data>`. The folder is that of the package aiconfigurator-core 0.12.0 (Apache-2.0).
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { must } from "../src/base/assert.ts";
import { readOperatorTable } from "../src/cost/import/aiconfigurator/read-operator-table.ts";
import { readParquetColumns } from "../src/cost/import/parquet/read-parquet-columns.ts";
import { isLinkQuery } from "../src/cost/operator/operator-query.ts";
import { type ConstantSlot, constantsIn, type SlotConstants, slotOf, withConstants } from "../src/cost/operator/physics/constant-slot.ts";
import { deviceFigures } from "../src/cost/operator/physics/device-figures.ts";
import { BLACKWELL } from "../src/cost/operator/physics/families/blackwell.ts";
import { HOPPER } from "../src/cost/operator/physics/families/hopper.ts";
import { kernelsOf } from "../src/cost/operator/physics/families.ts";
import { type DeviceTimes, type MeasuredTime, meanLogError, usable } from "../src/cost/operator/physics/fit/fit-constants.ts";
import { fitSlot } from "../src/cost/operator/physics/fit/fit-slot.ts";
import { type HeldOutErrors, heldOutErrors } from "../src/cost/operator/physics/fit/held-out.ts";
import { START } from "../src/cost/operator/physics/fit/start.ts";
import type { ExpertConstants, PhysicsConstants } from "../src/cost/operator/physics/physics-constants.ts";
import { unpacksFloats } from "../src/cost/operator/physics/product-class.ts";
import { plausibleRows } from "../src/cost/operator/plausible-rows.ts";
import { deviceSheet } from "../src/rack/catalog/catalog.ts";

type Engine = "sglang" | "trtllm";

/** Kinds of operators: those of physics, and experts in 4-bit floats that kernels unpack. */
type KernelSlot = ConstantSlot | typeof UNPACKED;
const UNPACKED = "experts unpacked";

const VERSIONS: Readonly<Record<Engine, string>> = { sglang: "0.5.14", trtllm: "1.3.0rc20" };
const WORDS: Readonly<Record<Engine, string>> = { sglang: "SGLang 0.5.14", trtllm: "TensorRT-LLM 1.3.0rc20" };
const FAMILIES = [
  { file: "hopper", constant: "HOPPER", from: HOPPER, systems: ["h100_sxm", "h200_sxm"] },
  { file: "blackwell", constant: "BLACKWELL", from: BLACKWELL, systems: ["b200_sxm", "b300_sxm"] },
] as const;
const TABLES = [
  ["gemm", "gemm_perf"],
  ["attention", "context_attention_perf"],
  ["attention", "generation_attention_perf"],
  ["mla", "mla_context_module_perf"],
  ["mla", "mla_generation_module_perf"],
  ["moe", "moe_perf"],
] as const;
const SLOTS: readonly KernelSlot[] = [
  "product half",
  "product eight",
  "product eightBlock",
  "product four",
  "prefill-attention",
  "decode-attention",
  "latent-attention",
  "experts half",
  "experts eight",
  "experts eightBlock",
  "experts four",
  UNPACKED,
];
/** Kernels that engines are not run with where better ones exist: fallbacks for shapes, the large-batch variant for data-parallel attention. */
const LEFT_OUT = /triton|cutlass$|deepgemm$/;
/** Mixtures with so many experts a token are Nemotron's, which have two products instead of three. */
const UNGATED_ACTIVE = 22;
/**
 * TensorRT-LLM's tables time products in 4 bits with one kernel whatever the rows: 21 us for 1024 x 8192 from 1 row to 256, twice what the tables of
 * SGLang (9 us) and vLLM 0.24 (11 us) have on the same device. The engine chooses among kernels when it starts, as those tables do.
 */
const UNTUNED: readonly KernelSlot[] = ["product four"];
/**
 * Where the search begins: a block of latent attention holds products, which are those of the engine. Products of 16 bits need no kernels that quantise their
 * input: a block of one head takes 27 us in TensorRT-LLM on a B200, 41 in 8 bits, 52 in 4.
 */
function startOf(slot: ConstantSlot, constants: PhysicsConstants): PhysicsConstants {
  if (slot !== "latent-attention") return START;
  return { ...constants, latentAttention: { ...START.latentAttention, halfLaunchNs: START.latentAttention.launchNs } };
}
const NS_PER_MS = 1e6;
const ROWS_PER_SLOT = 1000;
const EVALUATIONS = 600;
const FOLD_EVALUATIONS = 120;

/** Rows of one table that the device can have produced; of experts in block-scaled 8 bits and 4 bits on Blackwell those of the quick kernels only. */
async function tableRows(file: string, system: string): Promise<MeasuredTime[]> {
  if (!existsSync(file)) return [];
  const bytes = new Uint8Array(readFileSync(file));
  const { rows } = plausibleRows(await readOperatorTable(bytes, file), deviceSheet(system.replace("_", "-"))).table;
  const blackwell = system.startsWith("b");
  const sources = (await readParquetColumns(bytes, { file, numbers: [], texts: ["kernel_source"] })).texts.kernel_source;
  return rows.flatMap(({ query, ns, row }) => {
    if (
      isLinkQuery(query) ||
      (query.op === "product" && unpacksFloats(query)) ||
      (query.op === "experts" && (query.active === UNGATED_ACTIVE || (blackwell && unpacksFloats(query))))
    )
      return [];
    const quantised = query.op === "experts" && (query.blockScaled === true || query.type === "f4e2m1");
    return blackwell && quantised && LEFT_OUT.test(must(sources[row - 1], file)) ? [] : [{ query, ns }];
  });
}

/**
 * TensorRT-LLM's products in 8 bits without the search for their input's scale: its checkpoints bring fixed scales, and the tables time that search
 * both with the product and alone.
 */
async function fixedScales(rows: readonly MeasuredTime[], file: string): Promise<MeasuredTime[]> {
  const columns = await readParquetColumns(new Uint8Array(readFileSync(file)), { file, numbers: ["m", "k", "latency"], texts: [] });
  const { m, k, latency } = columns.numbers;
  const search = new Map(Array.from(latency, (ms, i) => [`${m[i]} ${k[i]}`, ms * NS_PER_MS]));
  return rows.flatMap(({ query, ns }) => {
    if (query.op !== "product" || query.type !== "f8e4m3" || query.blockScaled === true) return [{ query, ns }];
    const apart = search.get(`${query.m} ${query.k}`);
    return apart === undefined || apart >= ns ? [] : [{ query, ns: ns - apart }];
  });
}

/** Measured times of a family by one engine: one kind of operators each. */
async function timesBySlot(root: string, systems: readonly string[], engine: Engine): Promise<Map<KernelSlot, DeviceTimes[]>> {
  const found = new Map<KernelSlot, DeviceTimes[]>();
  for (const system of systems) {
    const device = deviceFigures(deviceSheet(system.replace("_", "-")));
    const bySlot = new Map<KernelSlot, MeasuredTime[]>();
    for (const [folder, table] of TABLES) {
      const at = (of: string, name: string): string => `${root}/${system}/${of}/${engine}/${VERSIONS[engine]}/${name}.parquet`;
      const read = await tableRows(at(folder, table), system);
      const rows = engine === "trtllm" && table === "gemm_perf" ? await fixedScales(read, at("quantize", "computescale_perf")) : read;
      for (const row of usable({ device, rows }).rows) {
        const slot = row.query.op === "experts" && unpacksFloats(row.query) ? UNPACKED : slotOf(row.query);
        const list = bySlot.get(slot);
        if (list === undefined) bySlot.set(slot, [row]);
        else list.push(row);
      }
    }
    for (const [slot, list] of bySlot) {
      const step = Math.max(1, list.length / ROWS_PER_SLOT);
      const rows = Array.from({ length: Math.min(list.length, ROWS_PER_SLOT) }, (_unused, index) => list[Math.floor(index * step)]!);
      found.set(slot, [...(found.get(slot) ?? []), { device, rows }]);
    }
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
  readonly constants: PhysicsConstants;
  readonly notes: readonly string[];
}

function fitKernels(
  from: PhysicsConstants,
  engine: Engine,
  own: Map<KernelSlot, DeviceTimes[]>,
  other: Map<KernelSlot, DeviceTimes[]>,
): Fitted {
  let constants = from;
  const notes: string[] = [];
  for (const slot of SLOTS) {
    if (only !== undefined && slot !== only) continue;
    const mine = engine === "trtllm" && UNTUNED.includes(slot) ? undefined : own.get(slot);
    const times = mine ?? other.get(slot);
    if (times === undefined) continue;
    // Unpacked floats are priced as 16-bit experts that read less.
    const priced = slot === UNPACKED ? "experts half" : slot;
    const best = fitSlot(startOf(priced, constants), priced, times, EVALUATIONS);
    const held: HeldOutErrors = heldOutErrors(best, priced, times, FOLD_EVALUATIONS);
    const numbers = Object.entries(constantsIn(best, priced)).map(([name, value]) => [
      name,
      typeof value === "number" ? rounded(value, 3) : value,
    ]);
    const part = { ...Object.fromEntries(numbers), spread: rounded(held.spread, 2) } as unknown as SlotConstants;
    const replaced = withConstants(constants, priced, part);
    const now = meanLogError(replaced, times);
    constants = slot === UNPACKED ? { ...constants, unpackedExperts: part as ExpertConstants } : replaced;
    const lent = mine === undefined ? " (the other engine's tables)" : "";
    notes.push(`${slot}${lent} ${percent(held.median)} %, p90 ${percent(held.p90)} %`);
    process.stderr.write(
      `${from.family} ${engine} ${slot}: was ${meanLogError(from, times).toFixed(3)}, now ${now.toFixed(3)}; held out ${notes.at(-1)}\n`,
    );
  }
  return { constants, notes };
}

function sourceOf(name: string, words: string, { constants, notes }: Fitted, from: PhysicsConstants): string {
  const lines: string[] = [];
  for (const note of notes) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + note.length < 130) lines[lines.length - 1] = `${last}; ${note}`;
    else lines.push(note);
  }
  const base = name.replace(/_(SGLANG|TRTLLM)$/, "");
  return `import type { PhysicsConstants } from "../physics-constants.ts";
import { ${base} } from "./${base.toLowerCase()}.ts";
import { SPARSE_ATTENTION } from "./sparse-attention.ts";

/**
 * Constants of ${words}.
 *
 * Source: fitted by scripts/fit-kernels.ts on AIConfigurator's tables of the engine's kernels (package aiconfigurator-core 0.12.0, Apache-2.0);
 * what has no data there is the family's. Errors of groups held out in five folds, median:
 * ${lines.join(";\n * ")}.
 */
export const ${name}: PhysicsConstants = {
  ...${base},
${ownConstants(constants, from, base).join("\n")}
  sparseAttention: SPARSE_ATTENTION.${base.toLowerCase()}${name.endsWith("_SGLANG") ? "Sglang" : "Trtllm"},
};
`;
}

/** What differs from the family's constants, which are named and not copied: they may be fitted anew. */
function ownConstants(constants: PhysicsConstants, from: PhysicsConstants, base: string): string[] {
  return (Object.keys(constants) as (keyof PhysicsConstants)[]).flatMap((key) => {
    const value = constants[key];
    if (value === from[key]) return [];
    if (key !== "product" && key !== "experts") return [`  ${key}: ${JSON.stringify(value)},`];
    const theirs = from[key] as Readonly<Record<string, unknown>>;
    const own = Object.entries(constants[key]).filter(([part, one]) => one !== theirs[part]);
    return [`  ${key}: { ...${base}.${key}, ${own.map(([part, one]) => `${part}: ${JSON.stringify(one)}`).join(", ")} },`];
  });
}

const only = process.argv[3];
const root = must(process.argv[2], "the folder of systems/data");
const written: string[] = [];
for (const { file, constant, from, systems } of FAMILIES) {
  const tables = {
    sglang: await timesBySlot(root, systems, "sglang"),
    trtllm: await timesBySlot(root, systems, "trtllm"),
  };
  for (const engine of ["sglang", "trtllm"] as const) {
    const base = only === undefined ? from : kernelsOf(deviceSheet(systems[0].replace("_", "-")), engine);
    const fitted = fitKernels(base, engine, tables[engine], tables[engine === "sglang" ? "trtllm" : "sglang"]);
    const words = `${from.family}, kernels of ${WORDS[engine]}`;
    const named: PhysicsConstants = {
      ...fitted.constants,
      family: words,
      source: `${systems.join(", ")}: aiconfigurator-core 0.12.0 (${WORDS[engine]})`,
      devices: systems.map((system) => system.replace("_", "-")),
    };
    if (only !== undefined) {
      process.stdout.write(
        `${file}-${engine} ${only} ${JSON.stringify(only === UNPACKED ? named.unpackedExperts : constantsIn(named, only as ConstantSlot))}\n`,
      );
      continue;
    }
    const target = `src/cost/operator/physics/families/${file}-${engine}.ts`;
    writeFileSync(target, sourceOf(`${constant}_${engine.toUpperCase()}`, words, { constants: named, notes: fitted.notes }, from));
    written.push(target);
  }
}
if (written.length > 0) execFileSync("npx", ["biome", "check", "--write", ...written], { stdio: "ignore" });
