import { formatNs } from "../base/duration.ts";
import { quantity } from "../base/quantity.ts";
import type { PlacementReport } from "../plan/place-graph/placement-report.ts";
import { table } from "./output.ts";

const OBJECTIVES: Readonly<Record<string, string>> = { throughput: "a run every", latency: "a run takes" };
/** Stages listed; more are counted. */
const STAGES_SHOWN = 24;

/** A placement for people. */
export function placementText(report: PlacementReport): string {
  const { parts, stages, ns, reserve } = report;
  const rows = parts.map(({ device, operators, sharedBy, computeNs, transferNs, bytes, memoryBytes }) => [
    device,
    sharedBy === undefined ? String(operators) : `${operators}, every ${ordinal(sharedBy)} run`,
    formatNs(computeNs),
    formatNs(transferNs),
    percent((computeNs + transferNs) / ns),
    quantity(bytes, "B"),
    percent(bytes / memoryBytes),
  ]);
  const listed = stages
    .slice(0, STAGES_SHOWN)
    .map(({ device, sharedWith = [], operators, scopes }, index) => [
      String(index),
      [device, ...sharedWith].join(", "),
      String(operators.length),
      scopes,
    ]);
  return [
    `${report.name}, ${report.phase}: ${report.run}`,
    resultLines(report).join("\n"),
    table(["device", "operators", "compute", "transfers", "of the time", "weights and state", "of its memory"], rows),
    table(["stage", "device", "operators", "parts of the model"], listed),
    ...(stages.length > STAGES_SHOWN ? [`and ${stages.length - STAGES_SHOWN} more stages (--json lists all)`] : []),
    ...(report.constraints.length === 0 ? [] : [constraintTable(report)]),
    [
      ...notes(report),
      `estimated: roofline of every operator by the rack file's figures, nothing measured here; ${percent(reserve)} of each memory is kept free`,
    ]
      .map((note) => `- ${note}`)
      .join("\n"),
  ].join("\n\n");
}

/** The same in lines, for the page that draws it. */
export function placementLines(report: PlacementReport): readonly string[] {
  const parts = report.parts.map(
    ({ device, operators, sharedBy, computeNs, transferNs, bytes, memoryBytes }) =>
      `${device}: ${operators} operators${sharedBy === undefined ? "" : ` every ${ordinal(sharedBy)} run`}, ${formatNs(computeNs)} of work and ${formatNs(transferNs)} of transfers, ${quantity(bytes, "B")} (${percent(bytes / memoryBytes)} of its memory)`,
  );
  const costs = report.constraints.map(({ constraint, cost }) => `${constraint}: costs ${cost === 0 ? "nothing found" : formatNs(cost)}`);
  return [`placement for ${report.phase}, ${report.run}`, ...resultLines(report), ...parts, ...costs, ...notes(report)];
}

function resultLines(report: PlacementReport): readonly string[] {
  const { objective, ns, boundNs, boundMethod, gap, method, contiguousNs, moves, tookMs } = report;
  const found = `${method}, ${moves} moves, ${(tookMs / 1000).toFixed(1)} s`;
  const bound = gap === 0 ? "proven the least" : `no placement takes less than ${formatNs(boundNs)} (${boundMethod}), gap ${percent(gap)}`;
  const lines = [`${OBJECTIVES[objective] ?? objective} ${formatNs(ns)} (${found}); ${bound}`];
  if (contiguousNs !== undefined) lines.push(`best found in parts that follow one another, a device each: ${formatNs(contiguousNs)}`);
  return lines;
}

/** What each wish costs; the least and most it can, as far as the bounds say. */
function constraintTable({ constraints, ns }: PlacementReport): string {
  const rows = constraints.map(({ constraint, cost, costMin, costMax, without }) => [
    constraint,
    cost === 0 ? "nothing found" : `${formatNs(cost)} (${percent(cost / ns)})`,
    formatNs(without.value),
    `${formatNs(costMin)} to ${formatNs(Math.max(0, costMax))}`,
  ]);
  return table(["asked for", "costs", "without it", "the cost lies between"], rows);
}

function notes({ whole, unused, otherSets, ns, unknownOperators }: PlacementReport): readonly string[] {
  const alone = whole.map(({ device, ns: wholeNs, bytes, memoryBytes }) => {
    if (bytes > memoryBytes) return `whole on ${device}: ${quantity(bytes, "B")} do not fit in ${quantity(memoryBytes, "B")}`;
    if (wholeNs === undefined) return `whole on ${device}: it cannot run all operators`;
    return `whole on ${device}: ${formatNs(wholeNs)} (${(wholeNs / ns).toPrecision(3)} x)`;
  });
  const sets = otherSets.map(
    ({ devices, ns: other }) => `on ${devices.join(", ")} instead: ${other === undefined ? "no room" : formatNs(other)}`,
  );
  const unknown =
    unknownOperators > 0
      ? [`${unknownOperators} operators of unknown work are placed as if they took no time (\`heddle inspect\` lists them)`]
      : [];
  return [...alone, ...unknown, ...(unused.length > 0 ? [`without work: ${unused.join(", ")}`] : []), ...sets];
}

/** 2nd, 3rd, 4th, 21st … */
function ordinal(n: number): string {
  const teen = n % 100 >= 11 && n % 100 <= 13;
  return `${n}${teen ? "th" : (["th", "st", "nd", "rd"][n % 10] ?? "th")}`;
}

function percent(part: number): string {
  return `${(100 * part).toPrecision(3)} %`;
}
