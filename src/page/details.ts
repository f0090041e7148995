import { quantity } from "../base/quantity.ts";
import type { WorkClass } from "../inspect/classify/classify-work.ts";
import type { Figures } from "../inspect/figures.ts";
import type { WorkText } from "../inspect/inspection.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import { operatorClass, stageReading } from "./classes.ts";
import { element, swatch } from "./dom.ts";
import type { Mark } from "./paint.ts";
import { shadesOf } from "./palette.ts";
import { axisText, estimateBasis, MISSING, numberText, shareText, timeText } from "./texts.ts";
import type { View } from "./view.ts";

type Row = readonly [label: string, text: string];

const HINT = "Point at a stage or operator, or choose one, to see its figures and formulas. Enter or a double click zooms in.";

/** Figures and formulas of a mark, for the panel. */
export function detailsOf(data: PageData, view: View, mark: Mark | undefined): readonly Node[] {
  if (mark === undefined) return [element("p", HINT, { class: "note" })];
  const { title, kind, found, rows } = described(data, view, mark);
  const shade = shadesOf("bound", true).find(({ key }) => key === found?.bound);
  const bound = shade === undefined ? [] : [element("p", [swatch(shade), ` bound by ${shade.name}: ${shade.meaning}`])];
  const list = rows.flatMap(([label, text]) => [element("dt", label), element("dd", text)]);
  return [element("h3", title), element("p", kind, { class: "note" }), ...bound, element("dl", list)];
}

/** One line for the tip beside the pointer. */
export function tipOf(data: PageData, view: View, mark: Mark): string {
  const { title, kind, found } = described(data, view, mark);
  const bound =
    found === undefined ? "" : `\n${found.bound === "idle" ? "idle" : `bound by ${found.bound}`}, ${timeText(found.estimateNs)}`;
  return `${title}\n${kind}${bound}`;
}

interface Described {
  readonly title: string;
  readonly kind: string;
  readonly found: WorkClass | undefined;
  readonly rows: readonly Row[];
}

function described(data: PageData, view: View, { kind, place }: Mark): Described {
  const drawing = data.drawings[view.drawing];
  const box = drawing.boxes[kind === "box" ? place : drawing.box[place]!]!;
  const group = data.groups[box.group]!;
  const phase = data.phases[view.phase]!.name;
  if (kind === "box") {
    const reading = stageReading(data, view, box.group);
    const counted = group.count > 1 ? `one of ${group.count} equal stages` : "stage";
    const figures = scaled(group.figures[view.phase]!, 1 / group.count);
    const crossing: Row[] =
      reading?.crossingBytes === undefined
        ? []
        : [["in and out", `${quantity(reading.crossingBytes, "B")} of activations cross its border`]];
    const left: Row[] = reading?.unknownOperators ? [["left out", `${reading.unknownOperators} operators of unknown work`]] : [];
    return {
      title: box.name,
      kind: `${counted}, ${box.operators} operators; ${phase}`,
      found: reading,
      rows: [...figureRows(figures, group.work), ...crossing, ...left, ...classRows(data, view, reading)],
    };
  }
  const [name, type, work] = data.operators[drawing.operators[place]!]!;
  const found = operatorClass(data, view, drawing.operators[place]!);
  const known = data.works[work];
  return {
    title: name === "" ? type : name,
    kind: `${type} in ${box.name}; ${phase}`,
    found,
    rows:
      known === undefined
        ? [["figures", "no rule says what this operator does"]]
        : [...figureRows(known.figures[view.phase]!, known.text), ...classRows(data, view, found)],
  };
}

function scaled(figures: Figures, by: number): Figures {
  const { flops, weightBytes, stateBytes, activationBytes, bytes, intensity } = figures;
  return {
    flops: flops * by,
    weightBytes: weightBytes * by,
    stateBytes: stateBytes * by,
    activationBytes: activationBytes * by,
    bytes: bytes * by,
    intensity,
  };
}

function figureRows(figures: Figures, text: WorkText): readonly Row[] {
  const row = (label: string, value: number, unit: string, formula: string): Row => [
    label,
    formula === "0" ? quantity(value, unit) : `${quantity(value, unit)} = ${formula}`,
  ];
  return [
    row("operations", figures.flops, "FLOP", text.flops),
    row("weights", figures.weightBytes, "B", text.weightBytes),
    row("state", figures.stateBytes, "B", text.stateBytes),
    row("activations", figures.activationBytes, "B", text.activationBytes),
    ["intensity", figures.intensity === undefined ? MISSING : `${numberText(figures.intensity)} FLOP/B`],
  ];
}

function classRows({ rack }: PageData, view: View, found: WorkClass | undefined): readonly Row[] {
  const device = rack?.devices[view.device];
  if (found === undefined || device === undefined || found.bound === "idle") return [];
  return [
    [`on ${device.id}`, `${timeText(found.estimateNs)} ${found.estimateNs === undefined ? "" : estimateBasis(device)}`],
    ["of it", `operations ${timeText(found.computeNs)}, bytes ${timeText(found.bytesNs)}, launches ${timeText(found.launchNs)}`],
    ["against ridge", `${axisText(found.intensity)} (ridge ${numberText(device.ridge)})`],
    ["bytes take", `${shareText(found.bandwidth.value)} ${found.bandwidth.value === undefined ? "" : found.bandwidth.label}`],
    ["a cut costs", axisText(found.communication)],
    ["latency", axisText(found.latency)],
  ];
}
