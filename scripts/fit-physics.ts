/**
 * Fits the constants of each family of devices on the public tables and writes `src/cost/operator/physics/families/*.ts`:
 * `npm run build && node dist/scripts/fit-physics.js [family]`, then `npx biome check --write src/cost/operator/physics/families`.
 */
import { writeFileSync } from "node:fs";
import type { DeviceSet } from "../src/cost/accuracy/transfer/device-set.ts";
import { type ConstantSlot, constantsIn, type SlotConstants, slotOf, withConstants } from "../src/cost/operator/physics/constant-slot.ts";
import { deviceFigures } from "../src/cost/operator/physics/device-figures.ts";
import { type DeviceTimes, meanLogError } from "../src/cost/operator/physics/fit/fit-constants.ts";
import { fitSlot } from "../src/cost/operator/physics/fit/fit-slot.ts";
import { type HeldOutErrors, heldOutErrors, leftOutDeviceErrors } from "../src/cost/operator/physics/fit/held-out.ts";
import { START } from "../src/cost/operator/physics/fit/start.ts";
import type { PhysicsConstants } from "../src/cost/operator/physics/physics-constants.ts";
import { unpacksFloats } from "../src/cost/operator/physics/product-class.ts";
import { measuredSets } from "./measured-operators.ts";

interface FamilyPlan {
  readonly file: string;
  readonly constant: string;
  readonly words: string;
  readonly data: string;
  readonly devices: readonly string[];
  /** Families whose constants stand in where this one has no data, nearest first. */
  readonly nearest: readonly string[];
  /** Constants of attention to chosen tokens, which scripts/fit-sparse.ts writes. */
  readonly sparse: string;
}

const AIC = "aiconfigurator-ops (vLLM 0.19)";
const FAMILIES: readonly FamilyPlan[] = [
  {
    file: "generic",
    constant: "GENERIC",
    words: "devices of no measured family",
    data: "A100, H100, B200, RTX 4090 and RTX PRO 6000 together",
    devices: ["a100-sxm", "h100-sxm", "b200-sxm", "rtx-4090", "rtx-pro-6000"],
    nearest: [],
    sparse: "SPARSE_ATTENTION.generic",
  },
  {
    file: "hopper",
    constant: "HOPPER",
    words: "NVIDIA Hopper",
    data: `H100-SXM and H200-SXM: ${AIC}; element-wise: vidur-profile`,
    devices: ["h100-sxm", "h200-sxm"],
    nearest: ["generic"],
    sparse: "SPARSE_ATTENTION.hopper",
  },
  {
    file: "blackwell",
    constant: "BLACKWELL",
    words: "NVIDIA Blackwell with HBM",
    data: `B200-SXM: ${AIC}`,
    devices: ["b200-sxm"],
    nearest: ["hopper", "generic"],
    sparse: "SPARSE_ATTENTION.blackwell",
  },
  {
    file: "ampere",
    constant: "AMPERE",
    words: "NVIDIA Ampere",
    data: "A100-SXM4-80GB: aiconfigurator-ops (vLLM 0.14); element-wise: vidur-profile",
    devices: ["a100-sxm"],
    nearest: ["hopper", "generic"],
    sparse: "SPARSE_ATTENTION.unmeasured",
  },
  {
    file: "ada",
    constant: "ADA",
    words: "NVIDIA Ada",
    data: "RTX 4090: llmservingsim-bench (vLLM 0.19)",
    devices: ["rtx-4090"],
    nearest: ["ampere", "hopper", "generic"],
    sparse: "SPARSE_ATTENTION.unmeasured",
  },
  {
    file: "blackwell-gddr",
    constant: "BLACKWELL_GDDR",
    words: "NVIDIA Blackwell with GDDR7",
    data: "RTX PRO 6000: llmservingsim-bench (vLLM 0.19)",
    devices: ["rtx-pro-6000"],
    nearest: ["ada", "blackwell", "generic"],
    sparse: "SPARSE_ATTENTION.unmeasured",
  },
];
const SLOTS: readonly ConstantSlot[] = [
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
  "experts packed",
  "stream",
];
const ROWS_PER_SLOT = 1200;
const EVALUATIONS = 700;
const FOLD_EVALUATIONS = 150;
/** Constants of another family are this much less sure. */
const BORROWED = 1.5;
/** Types of 32 bits and more, and single products of packed weights, were measured nowhere: they take the 16-bit constants with bars this much wider. */
const UNMEASURED = 2;

interface Fitted {
  readonly constants: PhysicsConstants;
  readonly errors: ReadonlyMap<ConstantSlot, HeldOutErrors>;
}

const sets = await measuredSets(ROWS_PER_SLOT);
const fitted = new Map<string, Fitted>();
for (const family of FAMILIES) {
  const result = fitFamily(family, sets);
  fitted.set(family.file, result);
  writeFileSync(`src/cost/operator/physics/families/${family.file}.ts`, sourceOf(family, result));
}

function fitFamily(family: FamilyPlan, all: readonly DeviceSet[]): Fitted {
  let constants = family.nearest.length === 0 ? START : fitted.get(family.nearest[0]!)!.constants;
  const errors = new Map<ConstantSlot, HeldOutErrors>();
  for (const slot of SLOTS) {
    const times = timesOf(family, slot, all);
    if (times.length === 0) {
      const lender = family.nearest.find((name) => fitted.get(name)!.errors.has(slot))!;
      const part = constantsIn(fitted.get(lender)!.constants, slot);
      constants = withConstants(constants, slot, { ...part, spread: rounded(part.spread * BORROWED, 2) });
      continue;
    }
    const best = fitSlot(START, slot, times, EVALUATIONS);
    const severalDevices = family.nearest.length === 0 && times.length > 1;
    const held = (severalDevices ? leftOutDeviceErrors : heldOutErrors)(best, slot, times, FOLD_EVALUATIONS);
    errors.set(slot, held);
    constants = withConstants(constants, slot, rounding(constantsIn(best, slot), held.spread));
    const points = times.reduce((sum, { rows }) => sum + rows.length, 0);
    process.stderr.write(
      `${family.file} ${slot}: ${points} rows, in-sample ${meanLogError(best, times).toFixed(3)}, held out median ${percent(held.median)} %, p90 ${percent(held.p90)} %\n`,
    );
  }
  const { half } = constants.product;
  const experts = constants.experts.half;
  constants = withConstants(constants, "product wide", { ...half, spread: rounded(half.spread * UNMEASURED, 2) });
  constants = withConstants(constants, "product packed", { ...half, spread: rounded(half.spread * UNMEASURED, 2) });
  constants = withConstants(constants, "experts wide", { ...experts, spread: rounded(experts.spread * UNMEASURED, 2) });
  return { constants, errors };
}

/** Rows of a family for one slot. Streams of HBM devices come from Vidur's additions; faulty rows are left out. */
function timesOf(family: FamilyPlan, slot: ConstantSlot, all: readonly DeviceSet[]): DeviceTimes[] {
  return all
    .filter(({ sheet, dataSet }) => family.devices.includes(sheet.id) && (dataSet !== "vidur-profile" || slot === "stream"))
    .filter(({ faulty }) => !faulty?.includes(slot))
    .map(({ sheet, rows }) => ({
      device: deviceFigures(sheet),
      rows: rows.filter(({ query }) => slotOf(query) === slot && !("weightType" in query && unpacksFloats(query))),
    }))
    .filter(({ rows }) => rows.length > 0);
}

function rounding(part: SlotConstants, spread: number): SlotConstants {
  const entries = Object.entries(part).map(([name, value]) => [name, typeof value === "number" ? rounded(value, 3) : value]);
  return { ...Object.fromEntries(entries), spread: rounded(spread, 2) } as unknown as SlotConstants;
}

function rounded(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}

function percent(share: number): string {
  return (100 * share).toFixed(1);
}

function sourceOf(family: FamilyPlan, { constants, errors }: Fitted): string {
  const notes = [...errors].map(([slot, { median, p90 }]) => `${slot} ${percent(median)} %, p90 ${percent(p90)} %`);
  const lines: string[] = [];
  for (const note of notes) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + note.length < 130) lines[lines.length - 1] = `${last}; ${note}`;
    else lines.push(note);
  }
  const { family: _name, source: _source, devices: _devices, ...parts } = constants;
  const body = Object.entries(parts).map(
    ([name, value]) => `  ${name}: ${name === "sparseAttention" ? family.sparse : JSON.stringify(value)},`,
  );
  return `import type { PhysicsConstants } from "../physics-constants.ts";
import { SPARSE_ATTENTION } from "./sparse-attention.ts";

/**
 * Constants of ${family.words}.
 *
 * Source: fitted by scripts/fit-physics.ts on ${family.data};
 * what has no data there is taken from the nearest family with wider bars. ${family.nearest.length === 0 ? "Errors of devices left out in turn (types measured on one: groups in five folds), median:" : "Errors of groups held out in five folds, median:"}
 * ${lines.join(";\n * ")}.
 */
export const ${family.constant}: PhysicsConstants = {
  family: ${JSON.stringify(family.words)},
  source: ${JSON.stringify(family.data)},
  devices: ${JSON.stringify(family.nearest.length === 0 ? [] : family.devices)},
${body.join("\n")}
};
`;
}
