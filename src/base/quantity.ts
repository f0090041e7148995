const PREFIXES: readonly (readonly [number, string])[] = [
  [1e18, "E"],
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];
const COUNTS: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
];

/** Three digits with a decimal prefix: `13.5 GB`, `1.02 TFLOP`. */
export function quantity(value: number, unit: string): string {
  const [scale, prefix] = PREFIXES.find(([least]) => value >= least) ?? [1, ""];
  return `${rounded(value / scale)} ${prefix}${unit}`;
}

/** Parameters as the field writes them: `6.74 B`, `110 M`. */
export function parameterCount(value: number): string {
  const [scale, name] = COUNTS.find(([least]) => value >= least) ?? [1, ""];
  return scale === 1 ? String(value) : `${rounded(value / scale)} ${name}`;
}

function rounded(value: number): string {
  return value >= 1000 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(3);
}
