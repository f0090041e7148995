import { parameterCount, quantity } from "../base/quantity.ts";
import type { InspectedGroup, Inspection } from "../inspect/inspection.ts";
import type { StoredWeights } from "../inspect/stored-weights.ts";
import { graphNotes, stateLines, unknownLines } from "./inspect-graph-report.ts";
import { table } from "./output.ts";

const CONVENTIONS = { all: "embedding and head counted", "without-embedding": "head counted, input embedding not" } as const;

export interface ReportOptions {
  readonly stored: StoredWeights | undefined;
  /** A row for every operator, with the formulas. */
  readonly operators: boolean;
}

/** An inspection for people. */
export function inspectionText(inspection: Inspection, { stored, operators }: ReportOptions): string {
  const { name, family, phases, groups, notes } = inspection;
  const totals = phases.map(({ name: phase, text, total }) => [
    `${phase}, ${text}`,
    quantity(total.flops, "FLOP"),
    quantity(total.weightBytes, "B"),
    quantity(total.stateBytes, "B"),
    quantity(total.activationBytes, "B"),
    intensityText(total.intensity),
  ]);
  const rows = groups.map((group) => groupRow(group, phases.length));
  return [
    `${name} (${family})`,
    [...sizeLines(inspection), ...storedLines(inspection, stored)].join("\n"),
    ...unknownLines(inspection),
    table(["run", "operations", "weights", "state", "activations", "FLOP/B"], totals),
    table(["part", "layers", "parameters", ...phases.flatMap(({ name: phase }) => [phase, "bytes", "FLOP/B"])], rows),
    ...(operators ? [operatorTable(groups, phases[0]?.name ?? "")] : []),
    [...notes, ...fixedNotes(inspection)].map((note) => `- ${note}`).join("\n"),
  ].join("\n\n");
}

function sizeLines({ parameters, type, kvType, weightBytes, state, states }: Inspection): readonly string[] {
  const { total, active, activeConvention, mtp, encoders } = parameters;
  const lines: string[] = [`parameters  ${parameterCount(total)} (${total})`];
  if (active !== undefined && activeConvention !== undefined) {
    lines.push(`active      ${parameterCount(active)} a token (${CONVENTIONS[activeConvention]})`);
  }
  if (encoders > 0) lines.push(`encoders    ${parameterCount(encoders)} of them`);
  if (mtp > 0) lines.push(`drafting    ${parameterCount(mtp)} more in modules for further tokens, not counted above or below`);
  lines.push(`weights     ${quantity(weightBytes, "B")} ${states === undefined ? `as ${type}` : `as stored, most as ${type}`}`);
  if (states !== undefined) return [...lines, ...stateLines(states)];
  if (state.bytesPerSequence === 0) return [...lines, "state       none"];
  const later = state.bytesPerLaterToken === state.bytesPerToken ? "" : `, ${state.bytesPerLaterToken} B once every window is full`;
  const fixed = state.fixedBytes === 0 ? "" : `, ${quantity(state.fixedBytes, "B")} whatever its length`;
  lines.push(`state       ${state.bytesPerToken} B a token as ${kvType}${later}${fixed}`);
  return [...lines, `            ${quantity(state.bytesPerSequence, "B")} a sequence of ${state.context} tokens`];
}

function storedLines({ parameters, states }: Inspection, stored: StoredWeights | undefined): readonly string[] {
  if (stored === undefined) return [];
  const formats = stored.formats.map(({ format, bytes }) => `${format} ${quantity(bytes, "B")}`).join(", ");
  const line = `stored      ${stored.parameters} elements in ${stored.tensors} tensors, ${quantity(stored.bytes, "B")} (${formats})`;
  if (!stored.exact && states === undefined) return [line, "            packed or scaled: elements are not parameters"];
  if (states !== undefined) return [line, "            with constants, scales and zero points"];
  const difference = stored.parameters - parameters.total;
  return [
    line,
    difference === 0
      ? "            as many as the configuration's layers have"
      : `            ${difference} more than the configuration's layers have`,
  ];
}

function groupRow(group: InspectedGroup, phases: number): readonly string[] {
  const cells = Array.from({ length: phases }, (_unused, index) => {
    const { flops, bytes, intensity } = group.figures[index]!;
    return [quantity(flops, "FLOP"), quantity(bytes, "B"), intensityText(intensity)];
  });
  return [group.scope, group.scope.includes("*") ? layersText(group.indices) : "", parameterCount(group.parameters), ...cells.flat()];
}

function operatorTable(groups: readonly InspectedGroup[], phase: string): string {
  const rows = groups.flatMap(({ operators }) =>
    operators.map(({ name, type, work, figures }) => [
      name,
      type,
      quantity(figures[0]!.flops, "FLOP"),
      work.flops,
      quantity(figures[0]!.bytes, "B"),
      [work.weightBytes, work.stateBytes, work.activationBytes].filter((text) => text !== "0").join(" + "),
    ]),
  );
  return table(["operator", "kind", phase, "operations", "bytes", "formula"], rows);
}

/** Runs of numbers: `0-2, 5`, and `3, 9, … 12 in all` for many that do not run on. */
function layersText(indices: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const index of indices) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  const texts = runs.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`));
  return texts.length > 4 ? `${texts.slice(0, 2).join(", ")}, … ${indices.length} in all` : texts.join(", ");
}

function intensityText(intensity: number | undefined): string {
  if (intensity === undefined) return "";
  return intensity >= 1000 ? String(Math.round(intensity)) : intensity.toPrecision(3);
}

function fixedNotes(inspection: Inspection): readonly string[] {
  const { parameters, kvType, type } = inspection;
  if (inspection.sizes !== undefined) return graphNotes(inspection);
  const notes = [
    "calculated from the configuration, nothing is measured; 2 operations a multiply-add, none for norms, activations and sums",
    "every operator reads its inputs from memory and writes its output; a device that fuses operators moves fewer activations",
  ];
  if (parameters.routed > 0) notes.push("experts read: as many as tokens that choose at random visit; real routing visits fewer");
  return kvType === type ? notes : [...notes, `state of every kind is kept as ${kvType}`];
}
