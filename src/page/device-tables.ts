import { formatNs } from "../base/duration.ts";
import { parameterCount, quantity } from "../base/quantity.ts";
import type { DeviceReading, RackReading } from "../inspect/classify/rack-reading.ts";
import { element } from "./dom.ts";
import { basisText, MISSING, numberText } from "./texts.ts";

/** How many sequences every device holds, by their length. */
export function fillBudget(table: HTMLTableElement, notes: HTMLUListElement, { devices, reserve }: RackReading): void {
  const contexts = devices[0]?.budget.sequences.map(({ context }) => contextText(context)) ?? [];
  const heads = ["Device", "Memory", "Weights", "Left for state", ...contexts].map((text) => element("th", text, { scope: "col" }));
  const rows = devices.map(({ id, budget }) => {
    const left = budget.freeBytes >= 0 ? quantity(budget.freeBytes, "B") : `none: ${budget.devicesForWeights} devices at least`;
    const cells = [quantity(budget.capacityBytes, "B"), quantity(budget.weightBytes, "B"), left];
    const counts = budget.sequences.map(({ sequences }) => (sequences < 100_000 ? String(sequences) : parameterCount(sequences)));
    return element("tr", [element("th", id, { scope: "row" }), ...[...cells, ...counts].map((text) => element("td", text))]);
  });
  table.replaceChildren(element("thead", [element("tr", heads)]), element("tbody", rows));
  const shared = devices.filter(({ memory }) => memory.sharedWith.length > 0);
  const texts = [
    `Sequences of a length that fit beside the whole model, ${Math.round(100 * reserve)} % of the memory kept for activations and the runtime.`,
    ...(contexts.length === 0 ? ["The model keeps no state between runs, or none of a known size."] : []),
    ...shared.map(({ id, memory }) => `${id} shares its memory with ${memory.sharedWith.join(", ")}.`),
  ];
  notes.replaceChildren(...texts.map((text) => element("li", text)));
}

/** Every figure the estimates rest on, with its source. */
export function fillSources(table: HTMLTableElement, { devices }: RackReading): void {
  const heads = ["Device", "Figure", "Value", "Basis", "Source"].map((text) => element("th", text, { scope: "col" }));
  const rows = devices.flatMap((device) =>
    figuresOf(device).map(([figure, value, basis, source]) =>
      element("tr", [
        element("th", device.id, { scope: "row" }),
        ...[figure, value, basis, source].map((text) => element("td", text, { class: "text" })),
      ]),
    ),
  );
  table.replaceChildren(element("thead", [element("tr", heads)]), element("tbody", rows));
}

/** One line on the device in use. */
export function deviceLine({ id, kind, peak, peakNote, bandwidth, ridge, overheads, link }: DeviceReading): string {
  const parts = [
    peak === undefined ? undefined : `${peak.type} ${quantity(peak.operationsPerSecond, "FLOP/s")} (${basisText(peak)})`,
    `${quantity(bandwidth.bytesPerSecond, "B/s")} (${basisText(bandwidth)})`,
    ridge === undefined ? undefined : `ridge ${numberText(ridge)} FLOP/B`,
    overheads === undefined ? "launches not known, none counted" : `${formatNs(overheads.operatorNs)} a launch`,
    link === undefined ? "no link to another device" : `best link ${quantity(link.bytesPerSecond, "B/s")} to ${link.to}`,
    peakNote,
  ];
  return `${id} (${kind}): ${parts.filter((part) => part !== undefined).join("; ")}`;
}

function figuresOf({ peaks, bandwidth, overheads, link, memory }: DeviceReading): readonly (readonly string[])[] {
  return [
    ...peaks.map((peak) => [`peak, ${peak.type}`, quantity(peak.operationsPerSecond, "FLOP/s"), basisText(peak), peak.source]),
    ["bandwidth", quantity(bandwidth.bytesPerSecond, "B/s"), basisText(bandwidth), bandwidth.source],
    ["capacity", quantity(memory.capacityBytes, "B"), basisText(memory), memory.source],
    overheads === undefined
      ? ["launches", MISSING, MISSING, "not given: none are counted"]
      : [
          "launches",
          `${formatNs(overheads.operatorNs)} an operator, ${formatNs(overheads.launchNs)} a run`,
          basisText(overheads),
          overheads.source,
        ],
    link === undefined
      ? ["best link", MISSING, MISSING, "none to another device: cuts are not priced"]
      : ["best link", `to ${link.to}: ${quantity(link.bytesPerSecond, "B/s")}, ${formatNs(link.latencyNs)}`, basisText(link), link.source],
  ];
}

function contextText(context: number | undefined): string {
  if (context === undefined) return "any length";
  return context % 1024 === 0 ? `${context / 1024}k tokens` : `${context} tokens`;
}
