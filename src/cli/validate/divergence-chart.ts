import { log2 } from "../../base/math.ts";
import type { Finding } from "../../execute/validate/finding.ts";
import { escaped } from "../../inspect/page/html-document.ts";

/** The furthest result of one operator. */
export interface OperatorBar {
  readonly operator: string;
  readonly cases: number;
  readonly maxRelative: number;
  readonly tolerance: number;
  readonly isNear: boolean;
}

/** Ends of the axis, as powers of ten; what is nearer stands at the edge. */
const LOW = -9;
const HIGH = 1;
const ROW = 20;
const LEFT = 240;
const WIDTH = 720;
const RIGHT = 100;
const TOP = 34;
const BOTTOM = 10;

/** By operator, what is furthest beyond its tolerance first. */
export function operatorBars(findings: readonly Finding[]): readonly OperatorBar[] {
  const bars = new Map<string, OperatorBar>();
  for (const { check, name, divergence } of findings) {
    if (check !== "operators" || divergence === undefined) continue;
    const operator = (name.split(": ").at(-1) ?? name).split(" ")[0]!;
    const known = bars.get(operator);
    const { maxRelative, tolerance } = divergence;
    const isWorse = known === undefined || maxRelative / tolerance > known.maxRelative / known.tolerance;
    const worst = isWorse ? { maxRelative, tolerance, isNear: maxRelative <= tolerance } : known;
    bars.set(operator, { operator, ...worst, cases: (known?.cases ?? 0) + 1 });
  }
  return [...bars.values()].sort((a, b) => b.maxRelative / b.tolerance - a.maxRelative / a.tolerance || (a.operator < b.operator ? -1 : 1));
}

/** Divergence of every operator on a logarithmic axis, with a mark where its tolerance lies. */
export function divergenceChart(findings: readonly Finding[]): string {
  const all = operatorBars(findings);
  const bars = all.filter(({ maxRelative }) => maxRelative > 0);
  const equal = all.filter(({ maxRelative }) => maxRelative === 0).map(({ operator }) => escaped(operator));
  if (all.length === 0) return "<p>No operator was compared.</p>";
  const alike = equal.length === 0 ? "" : `<p><b>Equal to the last bit of every case:</b> ${equal.join(", ")}</p>`;
  if (bars.length === 0) return alike;
  const height = TOP + bars.length * ROW + BOTTOM;
  const ticks = Array.from({ length: HIGH - LOW + 1 }, (_, i) => LOW + i);
  const grid = ticks.map((power) => {
    const x = LEFT + (WIDTH * (power - LOW)) / (HIGH - LOW);
    const label = power === 0 ? "1" : `10<tspan dy="-5" font-size="9">${power}</tspan>`;
    return `<line class="grid" x1="${x}" x2="${x}" y1="${TOP - 8}" y2="${height - BOTTOM}"/><text class="tick" x="${x}" y="${TOP - 14}">${label}</text>`;
  });
  const rows = bars.map((bar, row) => barMarkup(bar, TOP + row * ROW));
  return `<svg role="img" aria-label="Divergence of each operator from the reference, over its largest value" viewBox="0 0 ${LEFT + WIDTH + RIGHT} ${height}" width="${LEFT + WIDTH + RIGHT}" height="${height}">${grid.join("")}${rows.join("")}</svg>${alike}`;
}

function barMarkup({ operator, cases, maxRelative, tolerance, isNear }: OperatorBar, y: number): string {
  const end = place(maxRelative);
  const limit = place(tolerance);
  const middle = y + ROW / 2;
  const text = maxRelative.toExponential(1);
  const state = isNear ? "near" : "far";
  const title = `${operator}: ${text} of the largest value, ${tolerance.toExponential(1)} allowed, ${cases} cases`;
  return [
    `<g class="bar ${state}"><title>${escaped(title)}</title>`,
    `<text class="name" x="${LEFT - 10}" y="${middle + 4}">${escaped(operator)}</text>`,
    `<rect x="${LEFT}" y="${y + 5}" width="${Math.max(3, end - LEFT).toFixed(1)}" height="${ROW - 10}" rx="2"/>`,
    `<line class="limit" x1="${limit.toFixed(1)}" x2="${limit.toFixed(1)}" y1="${y + 2}" y2="${y + ROW - 2}"/>`,
    `<text class="value" x="${LEFT + WIDTH + 12}" y="${middle + 4}">${isNear ? "" : "✕ "}${text}</text></g>`,
  ].join("");
}

const LOG2_10 = log2(10);

function place(value: number): number {
  const power = value > 0 ? log2(value) / LOG2_10 : LOW;
  return LEFT + (WIDTH * (Math.min(HIGH, Math.max(LOW, power)) - LOW)) / (HIGH - LOW);
}
