/** What is known of a served model before it runs, and tells how far predictions of its times may be off. */
export interface ServedProperties {
  /** Its name, as deployments have it. */
  readonly engine: string;
  /** Whether the settings its engine is launched with are known, and not defaults that are assumed. */
  readonly named: boolean;
  /** Whether it has experts. */
  readonly mixture: boolean;
  readonly blackwell: boolean;
  /** Whether prompts have at least `LONG_PROMPT` tokens. */
  readonly longPrompts: boolean;
  /** How much of its iterations' time prompts take. */
  readonly promptShare: PromptShare;
  /** Engine and device, where models were measured so; `OTHER_CELL` elsewhere. */
  readonly cell: string;
}

export type ServedProperty = keyof ServedProperties;

export const SERVED_PROPERTIES: readonly ServedProperty[] = [
  "engine",
  "named",
  "mixture",
  "blackwell",
  "longPrompts",
  "promptShare",
  "cell",
];

/** Prompts' share of the time of all iterations: below 0.2, from there, and from 0.45 on. */
export type PromptShare = "few" | "some" | "many";

/** A share of each kind. */
export const PROMPT_SHARES: Readonly<Record<PromptShare, number>> = { few: 0.08, some: 0.3, many: 0.6 };

const SOME = 0.2;
const MANY = 0.45;

export function promptShareOf(share: number): PromptShare {
  return share >= MANY ? "many" : share >= SOME ? "some" : "few";
}

/** Devices of the catalogue on which served models were measured, by engine. */
export const SERVED_DEVICES: Readonly<Record<string, readonly string[]>> = {
  trtllm: ["h100-sxm", "h200-sxm", "b200-sxm", "gb200"],
  sglang: ["h200-sxm", "b200-sxm", "b300-sxm"],
  vllm: ["h100-sxm", "h200-sxm"],
};

export const OTHER_CELL = "other";

export function servedCell(engine: string, device: string): string {
  return SERVED_DEVICES[engine]?.includes(device) === true ? `${engine}/${device}` : OTHER_CELL;
}

/** Units: tokens. */
export const LONG_PROMPT = 4000;

const BLACKWELL = /^g?b[23]00/;

/** Whether a device of the catalogue is one of the Blackwell data-centre family. */
export function isBlackwell(device: string): boolean {
  return BLACKWELL.test(device);
}

/** Values of some properties as one word a line of a table has. */
export function servedKey(of: ServedProperties, properties: readonly ServedProperty[]): string {
  return properties.map((property) => String(of[property])).join(" ");
}

export type ServedTime = "tpot" | "ttft";

/** 90 % interval of ln(measured / predicted). */
export interface LogInterval {
  readonly low: number;
  readonly high: number;
}

/** Intervals of a time by the values of the properties that the scheme tells served models apart by. */
export interface ServedIntervals {
  readonly properties: readonly ServedProperty[];
  readonly intervals: Readonly<Record<string, LogInterval>>;
}
