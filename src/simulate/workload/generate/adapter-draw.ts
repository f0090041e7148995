import { pow } from "../../../base/math.ts";
import { mix32, type Prng, seededPrng } from "../../../base/prng.ts";
import type { RequestColumns } from "../../serving/serving-input.ts";
import { workloadInvalid } from "../workload-error.ts";
import { ADAPTER_FORM } from "./generated-forms.ts";
import { decimal, type SpecFields, specFields, wholeNumber } from "./spec.ts";

/** How requests fall on adapters (LoRA). */
export interface AdapterLaw {
  readonly count: number;
  /** Share of the k-th most popular ~ 1 / k^exponent; 0: all alike. */
  readonly exponent: number;
  /** Dealt to the adapters in turn, in an order drawn by the seed. */
  readonly ranks: readonly number[];
  /** Share of requests (or conversations) of the model itself. */
  readonly plain: number;
  readonly seed: number;
}

const ADAPTERS_MAX = 1_000_000;
const RANK_MAX = 4096;
const EXPONENT_MAX = 10;
/** Parts the seed of a workload from that of its adapters: the same requests with and without. */
const ADAPTER_SEED = 0x4c6f5241;

/** The law of a generated workload, or undefined where its text has none. Errors: `workload-invalid` naming the field. */
export function adapterLaw(spec: SpecFields, seed: number, countField = "adapters"): AdapterLaw | undefined {
  if (!spec.has(countField)) {
    for (const field of ["popularity", "ranks", "plain"])
      if (spec.has(field)) throw workloadInvalid({ field }, `says nothing without ${countField}`);
    return undefined;
  }
  const plain = spec.number("plain", { least: 0, otherwise: 0 });
  if (plain > 1) throw workloadInvalid({ field: "plain" }, "a share from 0 to 1 is meant");
  return {
    count: spec.whole(countField, { least: 1, most: ADAPTERS_MAX }),
    exponent: spec.has("popularity") ? exponentOf(spec.text("popularity")) : 0,
    ranks: spec.has("ranks")
      ? spec
          .text("ranks")
          .split(":")
          .map((rank) => wholeNumber(rank, { field: "ranks", least: 1, most: RANK_MAX }))
      : [],
    plain,
    seed,
  };
}

/** The law of a text such as `count=200,popularity=zipf:1.1`. Errors: `workload-invalid` naming the field. */
export function parseAdapters(text: string): AdapterLaw {
  const spec = specFields(`adapters:${text}`, ADAPTER_FORM);
  if (!spec.has("count")) throw workloadInvalid({ field: "count" }, `is missing; ${ADAPTER_FORM} is meant`);
  const law = adapterLaw(spec, spec.whole("seed", { least: 0, most: 4_294_967_295, otherwise: 1 }), "count")!;
  spec.finish();
  return law;
}

function exponentOf(text: string): number {
  if (text === "uniform") return 0;
  const value = text.startsWith("zipf:") ? decimal(text.slice("zipf:".length)) : NaN;
  if (value >= 0 && value <= EXPONENT_MAX) return value;
  throw workloadInvalid({ field: "popularity" }, `uniform or zipf:1.1 is meant, an exponent of at most ${EXPONENT_MAX}`);
}

/**
 * The requests with adapters drawn for them. A request that goes on with the text of the one it follows (a conversation) keeps its adapter; all else stays
 * as it was. Complexity: a search among the adapters for each request.
 */
export function drawAdapters(columns: RequestColumns, law: AdapterLaw): RequestColumns {
  const prng = seededPrng(mix32(law.seed ^ ADAPTER_SEED));
  const upTo = cumulative(law);
  const adapter = new Int32Array(columns.count);
  for (let i = 0; i < columns.count; i++) {
    const before = follows(columns, i);
    adapter[i] = before >= 0 ? adapter[before]! : drawOne(prng, upTo, law.plain);
  }
  return { ...columns, adapter, adapterRanks: ranksOf(law, prng) };
}

/** The earlier request whose text this one goes on with; -1 where there is none. */
function follows({ after, blockStart, blockIds }: RequestColumns, row: number): number {
  const before = after?.[row] ?? -1;
  if (before < 0 || before >= row) return -1;
  const shares =
    blockStart[row + 1]! > blockStart[row]! &&
    blockStart[before + 1]! > blockStart[before]! &&
    blockIds[blockStart[row]!] === blockIds[blockStart[before]!];
  return shares ? before : -1;
}

function drawOne(prng: Prng, upTo: Float64Array, plain: number): number {
  if (plain > 0 && prng.nextFloat() < plain) return -1;
  const at = prng.nextFloat() * upTo[upTo.length - 1]!;
  let low = 0;
  let high = upTo.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (upTo[middle]! > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

function cumulative({ count, exponent }: AdapterLaw): Float64Array {
  const upTo = new Float64Array(count);
  let sum = 0;
  for (let k = 0; k < count; k++) {
    sum += exponent === 0 ? 1 : pow(k + 1, -exponent);
    upTo[k] = sum;
  }
  return upTo;
}

/** Ranks in turn, shuffled: popular adapters have no ranks of their own. */
function ranksOf({ count, ranks }: AdapterLaw, prng: Prng): Int32Array {
  const all = Int32Array.from({ length: count }, (_, i) => (ranks.length === 0 ? 0 : ranks[i % ranks.length]!));
  for (let i = count - 1; i > 0; i--) {
    const other = prng.nextBelow(i + 1);
    [all[i], all[other]] = [all[other]!, all[i]!];
  }
  return all;
}
