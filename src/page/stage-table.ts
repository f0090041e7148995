import { parameterCount, quantity } from "../base/quantity.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import { stageReading } from "./classes.ts";
import { element, swatch } from "./dom.ts";
import { shadesOf } from "./palette.ts";
import { axisText, MISSING, numberText, shareText, timeText } from "./texts.ts";
import type { View } from "./view.ts";

interface Column {
  readonly head: string;
  readonly title: string;
  readonly text: (row: Row) => string;
  /** What rows are sorted by; texts by the alphabet. */
  readonly value: (row: Row) => number | string;
}

interface Row {
  readonly group: number;
  readonly data: PageData;
  readonly view: View;
}

const read = ({ data, view, group }: Row): ReturnType<typeof stageReading> => stageReading(data, view, group);
const figures = ({ data, view, group }: Row) => data.groups[group]!.figures[view.phase]!;
const whole = ({ data, view }: Row): number | undefined => data.rack?.devices[view.device]?.phases[view.phase]?.estimateNs;
const orLeast = (value: number | undefined): number => value ?? -1;

function shareOf(row: Row): number | undefined {
  const [part, all] = [read(row)?.allNs, whole(row)];
  return part === undefined || all === undefined || all === 0 ? undefined : part / all;
}

const MODEL: readonly Column[] = [
  {
    head: "Stage",
    title: "part of the model; * stands for the number of a layer",
    text: ({ data, group }) => data.groups[group]!.name,
    value: ({ group }) => group,
  },
  {
    head: "×",
    title: "equal parts",
    text: ({ data, group }) => String(data.groups[group]!.count),
    value: ({ data, group }) => data.groups[group]!.count,
  },
  {
    head: "Parameters",
    title: "of all parts",
    text: ({ data, group }) => parameterCount(data.groups[group]!.parameters),
    value: ({ data, group }) => data.groups[group]!.parameters,
  },
  { head: "Operations", title: "of all parts", text: (row) => quantity(figures(row).flops, "FLOP"), value: (row) => figures(row).flops },
  {
    head: "Weights",
    title: "of all parts",
    text: (row) => quantity(figures(row).weightBytes, "B"),
    value: (row) => figures(row).weightBytes,
  },
  { head: "State", title: "of all parts", text: (row) => quantity(figures(row).stateBytes, "B"), value: (row) => figures(row).stateBytes },
  {
    head: "Activations",
    title: "of all parts",
    text: (row) => quantity(figures(row).activationBytes, "B"),
    value: (row) => figures(row).activationBytes,
  },
  {
    head: "FLOP/B",
    title: "operations a byte",
    text: (row) => numberText(figures(row).intensity),
    value: (row) => orLeast(figures(row).intensity),
  },
];

const RACK: readonly Column[] = [
  {
    head: "Bound by",
    title: "what takes longest on this device",
    text: (row) => read(row)?.bound ?? MISSING,
    value: (row) => read(row)?.bound ?? "",
  },
  {
    head: "One",
    title: "estimate of one part",
    text: (row) => timeText(read(row)?.estimateNs),
    value: (row) => orLeast(read(row)?.estimateNs),
  },
  { head: "All", title: "estimate of all parts", text: (row) => timeText(read(row)?.allNs), value: (row) => orLeast(read(row)?.allNs) },
  { head: "Of run", title: "share of the whole run", text: (row) => shareText(shareOf(row)), value: (row) => orLeast(shareOf(row)) },
  {
    head: "Bytes",
    title: "share of the estimate that moving bytes takes",
    text: (row) => shareText(read(row)?.bandwidth.value),
    value: (row) => orLeast(read(row)?.bandwidth.value),
  },
  {
    head: "Cut",
    title: "handing activations over the best link ÷ estimate",
    text: (row) => axisText(read(row)?.communication ?? { value: undefined, label: "unknown" }),
    value: (row) => orLeast(read(row)?.communication.value),
  },
  {
    head: "Latency",
    title: "launches and link latency ÷ work",
    text: (row) => axisText(read(row)?.latency ?? { value: undefined, label: "unknown" }),
    value: (row) => orLeast(read(row)?.latency.value),
  },
];

/** The table of stages; a head sorts by its column, again the other way round. */
export function createStageTable(table: HTMLTableElement, data: PageData, choose: (group: number) => void): (view: View) => void {
  const columns = data.rack === undefined ? MODEL : [MODEL[0]!, MODEL[1]!, ...RACK, ...MODEL.slice(2)];
  const sort = { column: 0, down: false };
  let last: View | undefined;
  const draw = (view: View): void => {
    last = view;
    const rows = data.groups.map((_group, group): Row => ({ group, data, view }));
    const { value } = columns[sort.column]!;
    rows.sort((a, b) => compared(value(a), value(b)) * (sort.down ? -1 : 1) || a.group - b.group);
    const heads = columns.map(({ head, title }, column) => {
      const arrow = column === sort.column ? (sort.down ? " ▾" : " ▴") : "";
      const button = element("button", head + arrow, { type: "button", title });
      button.addEventListener("click", () => {
        sort.down = sort.column === column ? !sort.down : column > 0;
        sort.column = column;
        if (last !== undefined) draw(last);
      });
      const order = column === sort.column ? (sort.down ? "descending" : "ascending") : "none";
      return element("th", [button], { scope: "col", "aria-sort": order });
    });
    table.replaceChildren(
      element("thead", [element("tr", heads)]),
      element(
        "tbody",
        rows.map((row) => tableRow(row, columns, choose)),
      ),
    );
  };
  return draw;
}

function tableRow(row: Row, columns: readonly Column[], choose: (group: number) => void): HTMLElement {
  const shade = shadesOf("bound", true).find(({ key }) => key === read(row)?.bound);
  const cells = columns.map(({ head, text }) => {
    if (head === "Stage") {
      const button = element("button", text(row), { type: "button" });
      button.addEventListener("click", () => choose(row.group));
      return element("th", [button], { scope: "row" });
    }
    return head === "Bound by" && shade !== undefined
      ? element("td", [swatch(shade), ` ${text(row)}`], { class: "text" })
      : element("td", text(row));
  });
  return element("tr", cells);
}

function compared(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}
