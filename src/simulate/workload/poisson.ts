import { ln } from "../../base/math.ts";
import { type Prng, seededPrng } from "../../base/prng.ts";
import { NS_PER_S } from "../../base/units.ts";
import { WORKLOAD_NS_MAX, WORKLOAD_ROWS_MAX, WORKLOAD_TOKENS_MAX, type WorkloadRequest } from "./workload.ts";
import { workloadInvalid } from "./workload-error.ts";

/** Parameters of generated arrivals: independent exponential gaps, lengths uniform between both ends. */
export interface PoissonParameters {
  /** Mean arrivals per second. */
  readonly rate: number;
  readonly prompt: LengthRange;
  readonly output: LengthRange;
  readonly seconds: number;
  readonly seed: number;
  /** The first `tokens` tokens of a prompt are those of one of `groups` groups, drawn uniformly; a shorter prompt lies within its group's prefix. */
  readonly prefix?: { readonly groups: number; readonly tokens: number };
}

export interface LengthRange {
  readonly least: number;
  readonly most: number;
}

const PREFIX = "poisson:";
const KEYS = ["rate", "prompt", "output", "seconds", "seed", "prefix"];
const FORM = "poisson:rate=2,prompt=50-600,output=20-120,seconds=60,seed=1[,prefix=4x256]";

/** Whether a workload is told as a Poisson process, not as a file. */
export function isPoisson(text: string): boolean {
  return text.startsWith(PREFIX);
}

/**
 * Reads `poisson:rate=2,prompt=50-600,output=20-120,seconds=60,seed=1[,prefix=4x256]` (prefix: groups x tokens). All but `seed` (1) and `prefix` (none)
 * are required.
 *
 * Errors: `workload-invalid` naming the field.
 */
export function parsePoisson(text: string): PoissonParameters {
  if (text.length > 1000) throw workloadInvalid({}, `${text.length} characters; ${FORM} is meant`);
  const fields = new Map<string, string>();
  for (const part of text.slice(PREFIX.length).split(",")) {
    const [key = "", value, ...more] = part.split("=");
    if (!KEYS.includes(key) || value === undefined || more.length > 0)
      throw workloadInvalid({ field: JSON.stringify(part) }, `${FORM} is meant`);
    if (fields.has(key)) throw workloadInvalid({ field: key }, "is given twice");
    fields.set(key, value);
  }
  const rate = positive(fields, "rate");
  const seconds = positive(fields, "seconds");
  if (rate * seconds > WORKLOAD_ROWS_MAX / 2)
    throw workloadInvalid({ field: "rate" }, `rate x seconds is at most ${WORKLOAD_ROWS_MAX / 2}`);
  if (seconds * NS_PER_S > WORKLOAD_NS_MAX) throw workloadInvalid({ field: "seconds" }, `is at most ${WORKLOAD_NS_MAX / NS_PER_S}`);
  const prefix = prefixOf(fields.get("prefix"));
  return {
    rate,
    seconds,
    prompt: rangeOf(fields, "prompt"),
    output: rangeOf(fields, "output"),
    seed: whole(fields.get("seed") ?? "1", "seed", 0, 4_294_967_295),
    ...(prefix === undefined ? {} : { prefix }),
  };
}

/** The requests those parameters give; the same on every platform. */
export function poissonRequests(parameters: PoissonParameters): WorkloadRequest[] {
  const prng = seededPrng(parameters.seed);
  const requests: WorkloadRequest[] = [];
  const endNs = parameters.seconds * NS_PER_S;
  for (let time = gapNs(parameters.rate, prng); time < endNs; time += gapNs(parameters.rate, prng)) {
    requests.push(drawRequest(Math.round(time), parameters, prng));
  }
  return requests;
}

function gapNs(rate: number, prng: Prng): number {
  return (-ln(1 - prng.nextFloat()) / rate) * NS_PER_S;
}

function drawRequest(atNs: number, { prompt, output, prefix }: PoissonParameters, prng: Prng): WorkloadRequest {
  const promptTokens = lengthOf(prompt, prng);
  const outputTokens = lengthOf(output, prng);
  if (prefix === undefined) return { atNs, promptTokens, outputTokens };
  const group = String(prng.nextBelow(prefix.groups));
  return { atNs, promptTokens, outputTokens, shared: { type: "group", group, tokens: Math.min(prefix.tokens, promptTokens) } };
}

function lengthOf(range: LengthRange, prng: Prng): number {
  return range.least + prng.nextBelow(range.most - range.least + 1);
}

function positive(fields: ReadonlyMap<string, string>, field: string): number {
  const text = fields.get(field);
  const value = text !== undefined && /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : NaN;
  if (!(value > 0)) throw workloadInvalid({ field }, text === undefined ? `is missing; ${FORM} is meant` : "a number above 0 is meant");
  return value;
}

function whole(text: string, field: string, least: number, most: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most)) throw workloadInvalid({ field }, `a whole number from ${least} to ${most} is meant`);
  return value;
}

function rangeOf(fields: ReadonlyMap<string, string>, field: string): LengthRange {
  const text = fields.get(field);
  if (text === undefined) throw workloadInvalid({ field }, `is missing; ${FORM} is meant`);
  const [low = "", high = low, ...more] = text.split("-");
  if (more.length > 0) throw workloadInvalid({ field }, "a length or least-most is meant");
  const least = whole(low, field, 1, WORKLOAD_TOKENS_MAX);
  return { least, most: whole(high, field, least, WORKLOAD_TOKENS_MAX) };
}

function prefixOf(text: string | undefined): { groups: number; tokens: number } | undefined {
  if (text === undefined) return undefined;
  const [groups = "", tokens = "", ...more] = text.split("x");
  if (more.length > 0) throw workloadInvalid({ field: "prefix" }, "groups x tokens is meant, such as 4x256");
  return { groups: whole(groups, "prefix", 1, WORKLOAD_ROWS_MAX), tokens: whole(tokens, "prefix", 1, WORKLOAD_TOKENS_MAX) };
}
