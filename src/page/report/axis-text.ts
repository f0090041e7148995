import { formatNs } from "../../base/duration.ts";
import type { ReportAxis } from "../../inspect/report-page/report-data.ts";

/** A value of an axis for people. */
export function axisText({ unit }: ReportAxis, value: number): string {
  if (unit === "ns") return value === 0 ? "0" : formatNs(value);
  if (unit === "share") return `${Number((value * 100).toPrecision(3))} %`;
  return value >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}
