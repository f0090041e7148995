import { parameterCount, quantity } from "../base/quantity.ts";
import type { WorkClass } from "../inspect/classify/classify-work.ts";
import type { Grounded } from "../inspect/classify/grounded.ts";
import type { DeviceReading, PhaseReading, RackReading } from "../inspect/classify/rack-reading.ts";
import type { ContextBudget } from "../inspect/classify/state-budget.ts";
import type { Threshold } from "../inspect/classify/thresholds.ts";
import type { Inspection } from "../inspect/inspection.ts";
import { formatNs, table } from "./output.ts";

/** Longest name of a part a table of 100 columns has room for. */
const PART_WIDTH = 27;
/** Marks of what a threshold tells apart; the rest has none. */
const MARKS: Readonly<Record<string, string>> = { dear: " !", sensitive: " !", overlap: " ~", noticeable: " ~" };

/** What a rack reading says, for people: a table a device and phase, then the state budget and the thresholds. */
export function rackReadingText(inspection: Inspection, reading: RackReading): string {
  return [
    ...reading.devices.flatMap((device) => deviceSections(inspection, device)),
    ...budgetSections(reading),
    ["thresholds", ...reading.thresholds.map(thresholdLine), ...NOTES.map((text) => `- ${text}`)].join("\n"),
  ].join("\n\n");
}

const NOTES: readonly string[] = [
  "bound by: on this device with its neighbours there too; cut: activations in and out over the best link ÷ estimate; ! dear or sensitive, ~ between",
  "estimates are rooflines: max(operations / peak, bytes / bandwidth) + a launch an operator; kernels reach less than a peak, fused ones move and launch less",
  "* operators of unknown work are left out of this part",
  "each part is estimated as if it lay in the device's memory, whether or not the whole model fits",
];

function deviceSections({ phases, groups }: Inspection, device: DeviceReading): readonly string[] {
  return device.phases.map((phase, index) => {
    const rows = phase.stages.map((stage, at) => {
      const { count } = groups[at]!;
      return [
        shortened(stage.unknownOperators === 0 ? stage.name : `${stage.name} *`),
        String(count),
        stage.bound,
        stage.estimateNs === undefined ? "-" : formatNs(stage.estimateNs),
        shareText(stage.allNs, phase.estimateNs),
        digits(stage.intensity.value),
        shareText(stage.bandwidth.value, 1),
        marked(stage.communication),
        marked(stage.latency),
      ];
    });
    const head = ["part", "x", "bound by", "one", "of all", "FLOP/B", "bytes", "cut", "latency"];
    const titles = index === 0 ? deviceLines(device) : [];
    return [...titles, `${device.id}, ${phase.name} (${phases[index]!.text}): ${estimateText(device, phase)}`, table(head, rows)].join(
      "\n",
    );
  });
}

function deviceLines(device: DeviceReading): readonly string[] {
  const { id, kind, peak, peakNote, ridge, bandwidth, overheads, link } = device;
  const rate = peak === undefined ? [] : [`${peak.type} ${quantity(peak.operationsPerSecond, "FLOP/s")} (${basisText(peak)})`];
  const facts = [...rate, `${quantity(bandwidth.bytesPerSecond, "B/s")} (${basisText(bandwidth)})`];
  if (ridge !== undefined) facts.push(`ridge ${digits(ridge)} FLOP/B`);
  return [
    `${id} (${kind})  ${facts.join(", ")}`,
    ...(peakNote === undefined ? [] : [`  ${peakNote}`]),
    overheads === undefined
      ? "  launches: not known, none are counted"
      : `  launches: ${formatNs(overheads.operatorNs)} an operator, ${formatNs(overheads.launchNs)} a run (${basisText(overheads)})`,
    link === undefined
      ? "  no link to another device: cuts are not priced"
      : `  best link: to ${link.to}, ${quantity(link.bytesPerSecond, "B/s")}, ${formatNs(link.latencyNs)} (${basisText(link)})`,
  ];
}

function estimateText({ peak, bandwidth }: DeviceReading, { estimateNs, unknownOperators, shares }: PhaseReading): string {
  const left = unknownOperators === 0 ? "" : `, ${unknownOperators} operators of unknown work left out`;
  if (estimateNs === undefined) return `no estimate${left}`;
  const bases = new Set([peak ?? bandwidth, bandwidth].map(basisText));
  const spent = shares.map(({ bound, share }) => `${shareText(share, 1)} ${bound}`).join(", ");
  return `${formatNs(estimateNs)} estimated (roofline, ${[...bases].join(" and ")})${left}; ${spent}`;
}

function basisText({ basis }: Pick<Grounded, "basis">): string {
  return basis === "measured" ? "measured" : "data sheet";
}

function budgetSections({ devices, reserve }: RackReading): readonly string[] {
  const lines = devices.flatMap(({ id, budget, memory }) => {
    const { weightBytes, capacityBytes, devicesForWeights, freeBytes } = budget;
    const shared = memory.sharedWith.length > 0 ? [`- ${id} shares its memory with ${memory.sharedWith.join(", ")}`] : [];
    if (freeBytes >= 0) return shared;
    const needed = `${devicesForWeights} devices like it are needed at least`;
    return [
      `- ${id}: weights of ${quantity(weightBytes, "B")} do not fit in ${quantity(capacityBytes, "B")} less the reserve: ${needed}`,
      ...shared,
    ];
  });
  const contexts = devices[0]?.budget.sequences.map(contextText) ?? [];
  const rows = devices.map(({ id, budget }) => [
    id,
    budget.freeBytes >= 0 ? quantity(budget.freeBytes, "B") : "none",
    ...budget.sequences.map(({ sequences }) => shortCount(sequences)),
  ]);
  const title = `state budget: sequences beside the whole model, ${Math.round(reserve * 100)} % of the memory in reserve`;
  const text = contexts.length === 0 ? ["no state is kept between runs"] : [];
  return [[title, table(["device", "for state", ...contexts], rows), ...text, ...lines].join("\n")];
}

function contextText({ context }: ContextBudget): string {
  if (context === undefined) return "any length";
  return context % 1024 === 0 ? `${context / 1024}k` : String(context);
}

function shortCount(count: number): string {
  return count < 100_000 ? String(count) : parameterCount(count);
}

function thresholdLine({ axis, value, label, reason }: Threshold): string {
  return `  ${axis} ${value === undefined ? "ridge" : value}: ${label}; ${reason}`;
}

/** The end of a long name tells more than its beginning. */
function shortened(scope: string): string {
  return scope.length <= PART_WIDTH ? scope : `…${scope.slice(1 - PART_WIDTH)}`;
}

function shareText(part: number | undefined, whole: number | undefined): string {
  return part === undefined || whole === undefined || whole === 0 ? "-" : `${Math.round((100 * part) / whole)} %`;
}

function marked({ value, label }: WorkClass["communication"] | WorkClass["latency"]): string {
  return `${digits(value)}${MARKS[label] ?? ""}`;
}

function digits(value: number | undefined): string {
  if (value === undefined) return "-";
  if (value >= 100) return String(Math.round(value));
  return value >= 0.01 || value === 0 ? value.toPrecision(2) : value.toFixed(3);
}
