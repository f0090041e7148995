/** What a figure of a device sheet measures; each has units of its own. */
export type FigureUnit = "operations/s" | "bytes" | "bytes/s" | "ns" | "Hz" | "W" | "dollars/h" | "count";

const DECIMAL: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15 };
const BINARY: Readonly<Record<string, number>> = { Ki: 1024, Mi: 1_048_576, Gi: 1_073_741_824, Ti: 1_099_511_627_776 };

/** Multiples of the base unit, by how people write them. */
const UNITS: Readonly<Record<FigureUnit, ReadonlyMap<string, number>>> = {
  "operations/s": new Map(["FLOPS", "FLOP/s", "OPS", "OP/s"].flatMap((unit) => prefixed(unit, DECIMAL))),
  bytes: new Map([...prefixed("B", DECIMAL), ...prefixed("B", BINARY)]),
  "bytes/s": new Map([...prefixed("B/s", DECIMAL), ...prefixed("B/s", BINARY), ...prefixed("b/s", DECIMAL, 1 / 8)]),
  ns: new Map([
    ["ns", 1],
    ["us", 1e3],
    ["ms", 1e6],
    ["s", 1e9],
    ["min", 6e10],
    ["h", 3.6e12],
  ]),
  Hz: new Map(prefixed("Hz", DECIMAL)),
  W: new Map(prefixed("W", DECIMAL)),
  "dollars/h": new Map([["$/h", 1]]),
  count: new Map(),
};

/** `x2`: twice the figure of the device it is like. */
const FACTOR = /^x\s*(\d+(?:\.\d+)?)$/;
const QUANTITY = /^(\d+(?:\.\d+)?(?:e\d+)?)\s*([A-Za-z/$]+)$/;

/** The factor in `x2`, or undefined where the text is none. */
export function figureFactor(text: string): number | undefined {
  const digits = FACTOR.exec(text.trim())?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Reads `3.35 TB/s`; undefined where the text is no quantity of that kind. */
export function figureQuantity(text: string, unit: FigureUnit): number | undefined {
  const match = QUANTITY.exec(text.trim());
  const scale = UNITS[unit].get(match?.[2] ?? "");
  return match?.[1] === undefined || scale === undefined ? undefined : Number(match[1]) * scale;
}

const EXAMPLES: Readonly<Record<FigureUnit, string>> = {
  "operations/s": "989 TFLOPS",
  bytes: "80 GiB",
  "bytes/s": "3.35 TB/s",
  ns: "1.5 us",
  Hz: "1.8 GHz",
  W: "700 W",
  "dollars/h": "2.5",
  count: "132",
};

/** Words for an error: what may be written. */
export function numberOrText(unit: FigureUnit): string {
  return `a number of ${unit}, or text such as "${EXAMPLES[unit]}"`;
}

/** The same of a device sheet. */
export function unitHint(unit: FigureUnit): string {
  return `${numberOrText(unit)} or, with \`like\`, "x2"`;
}

function prefixed(unit: string, prefixes: Readonly<Record<string, number>>, scale = 1): [string, number][] {
  return Object.entries(prefixes).map(([prefix, factor]) => [prefix + unit, factor * scale]);
}
