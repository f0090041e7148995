import { formatNs } from "../base/duration.ts";
import type { Axis } from "../inspect/classify/classify-work.ts";
import type { Grounded } from "../inspect/classify/grounded.ts";
import type { DeviceReading } from "../inspect/classify/rack-reading.ts";

/** What stands where a figure is missing. */
export const MISSING = "–";

export function timeText(ns: number | undefined): string {
  return ns === undefined ? MISSING : formatNs(ns);
}

export function numberText(value: number | undefined): string {
  if (value === undefined) return MISSING;
  if (value >= 100) return String(Math.round(value));
  return value >= 0.01 || value === 0 ? value.toPrecision(2) : value.toFixed(4);
}

export function shareText(value: number | undefined): string {
  return value === undefined ? MISSING : `${Math.round(100 * value)} %`;
}

export function axisText({ value, label }: Axis<string>): string {
  return value === undefined ? MISSING : `${numberText(value)} ${label}`;
}

export function basisText({ basis }: Pick<Grounded, "basis">): string {
  return basis === "measured" ? "measured" : "data sheet";
}

/** What an estimate on a device rests on. */
export function estimateBasis({ peak, bandwidth }: DeviceReading): string {
  const bases = new Set([peak ?? bandwidth, bandwidth].map(basisText));
  return `estimated (roofline, ${[...bases].join(" and ")})`;
}
