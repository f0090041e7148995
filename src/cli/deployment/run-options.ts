import { InvalidArgumentError, Option } from "commander";
import { NS_PER_MS, NS_PER_S } from "../../base/units.ts";
import type { MeasuredAt } from "../../cost/iteration/engines/front-time.ts";
import type { Objective } from "../../simulate/deployment/objective.ts";
import type { WorkloadScale } from "../../simulate/workload/columns/scale-columns.ts";
import { OPERATOR_SOURCES } from "./operator-source.ts";

const DURATION_UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1000, ms: NS_PER_MS, s: NS_PER_S };
const DEFAULT_SHARE = 0.9;

/** `ttft=500ms,tpot=40ms,e2e=20s,share=0.9`: limits that requests must keep, and the share of them that has to. */
export function objectiveOption(text: string): Objective {
  const fields = pairs(text, ["ttft", "tpot", "e2e", "share"], "ttft=500ms,tpot=40ms[,e2e=20s][,share=0.9]");
  const limit = (field: string): number | undefined => (fields.has(field) ? duration(fields.get(field)!, field) : undefined);
  const [ttftNs, tpotNs, e2eNs] = ["ttft", "tpot", "e2e"].map(limit);
  if (ttftNs === undefined && tpotNs === undefined && e2eNs === undefined) throw new InvalidArgumentError("give ttft, tpot or e2e");
  const share = fields.has("share") ? Number(fields.get("share")) : DEFAULT_SHARE;
  if (!(share > 0 && share <= 1)) throw new InvalidArgumentError("share is above 0 and at most 1");
  return {
    share,
    ...(ttftNs === undefined ? {} : { ttftNs }),
    ...(tpotNs === undefined ? {} : { tpotNs }),
    ...(e2eNs === undefined ? {} : { e2eNs }),
  };
}

/** `--operators`: where prices of operators come from. */
export function operatorsOption(): Option {
  const words =
    "prices of operators: measured (what was imported of the device, else sheet), sheet (data sheet) or tile (cores, clocks, caches)";
  return new Option("--operators <source>", words).choices(OPERATOR_SOURCES);
}

/** `--measure-at`: whose TTFT and end-to-end times are told. */
export function measureAtOption(): Option {
  const words = "where TTFT and end to end are taken: client (front end included; default where one was fitted of the engine) or engine";
  return new Option("--measure-at <place>", words).choices(["client", "engine"] satisfies MeasuredAt[]);
}

/** `rate=2,length=1.5` (or `prompt=`, `output=`): factors on a workload. */
export function scaleOption(text: string): WorkloadScale {
  const fields = pairs(text, ["rate", "length", "prompt", "output"], "rate=2,length=1.5 (or prompt=1.5,output=2)");
  const factor = (field: string): number => {
    const value = Number(fields.get(field) ?? 1);
    if (value > 0 && value <= 1e6) return value;
    throw new InvalidArgumentError(`${field} is a factor above 0`);
  };
  const length = factor("length");
  return { rate: factor("rate"), prompt: length * factor("prompt"), output: length * factor("output") };
}

/** Fields of `key=value,key=value`. Errors: what is not of that form, or not known. */
export function pairs(text: string, known: readonly string[], form: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const key = part.slice(0, equals);
    if (equals < 1 || !known.includes(key) || fields.has(key)) throw new InvalidArgumentError(`${form} is meant`);
    fields.set(key, part.slice(equals + 1));
  }
  return fields;
}

function duration(text: string, field: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) ?(ns|us|ms|s)$/.exec(text) ?? [];
  const value = Number(number) * (DURATION_UNITS[unit] ?? NaN);
  if (value > 0) return value;
  throw new InvalidArgumentError(`${field} is a time with its unit, such as 500ms or 2s`);
}
