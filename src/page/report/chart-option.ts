import type { ReportAxis, ReportChart, ReportLine } from "../../inspect/report-page/report-data.ts";
import type { Ink } from "../paint.ts";
import { axisText } from "./axis-text.ts";

/** Lines of a chart; told apart by dashes too, so that colour is not all. */
const STROKES = [
  { light: "#0b62c4", dark: "#6fb3ff", type: "solid" },
  { light: "#b34700", dark: "#ffb070", type: "dashed" },
  { light: "#00785a", dark: "#4fd8b0", type: "dotted" },
  { light: "#7a2fb5", dark: "#d3a4ff", type: [10, 4, 2, 4] },
] as const;

const GRID = { left: 70, right: 24, top: 40, bottom: 52 } as const;

/** What ECharts is told of a chart. */
export function chartOption(
  { x, y, lines, marks }: ReportChart,
  { text, line, focus }: Ink,
  dark: boolean,
): Readonly<Record<string, unknown>> {
  const axis = (one: ReportAxis): object => ({
    type: one.log ? "log" : "value",
    name: one.name,
    nameLocation: "middle",
    nameTextStyle: { color: text },
    axisLabel: { color: text, hideOverlap: true, formatter: (value: number) => axisText(one, value) },
    axisLine: { lineStyle: { color: text } },
    splitLine: { lineStyle: { color: line, opacity: 0.35 } },
  });
  return {
    animation: false,
    textStyle: { color: text },
    grid: GRID,
    legend: { top: 4, textStyle: { color: text }, itemWidth: 34 },
    tooltip: { trigger: "axis", confine: true, formatter: (points: unknown) => tipText(points, x, y) },
    xAxis: { ...axis(x), nameGap: 30, min: "dataMin", max: "dataMax" },
    yAxis: { ...axis(y), nameGap: 52, ...(y.unit === "share" ? { min: 0, max: 1 } : {}) },
    series: lines.flatMap((one, i) => seriesOf(one, i, dark)).concat(markSeries(marks, focus, text)),
  };
}

function seriesOf(one: ReportLine, index: number, dark: boolean): object[] {
  const stroke = STROKES[index % STROKES.length]!;
  const color = dark ? stroke.dark : stroke.light;
  const points = (values: readonly number[]): number[][] => one.x.map((x, i) => [x, values[i]!]);
  const bound = { type: "line", symbol: "none", silent: true, tooltip: { show: false }, lineStyle: { width: 1, color, opacity: 0.6 } };
  return [
    {
      type: "line",
      name: one.name,
      data: points(one.y),
      symbol: one.x.length === 1 ? "circle" : "none",
      itemStyle: { color },
      lineStyle: { width: 2, color, type: stroke.type },
    },
    ...(one.low === undefined ? [] : [{ ...bound, data: points(one.low) }]),
    ...(one.high === undefined ? [] : [{ ...bound, data: points(one.high) }]),
  ];
}

/** Vertical lines, carried by a series of no points. */
function markSeries(marks: ReportChart["marks"], color: string, text: string): object[] {
  if (marks.length === 0) return [];
  const data = marks.map(({ at, name }) => ({ xAxis: at, name }));
  return [
    {
      type: "line",
      data: [],
      markLine: { symbol: "none", silent: true, lineStyle: { color, type: "solid" }, label: { color: text, formatter: "{b}" }, data },
    },
  ];
}

/** Of points at one x: their names and values. Text, never markup. */
function tipText(points: unknown, x: ReportAxis, y: ReportAxis): HTMLElement {
  const made = document.createElement("div");
  const shown = (points as readonly { seriesName: string; value: readonly [number, number] }[]).filter(
    ({ seriesName }) => !seriesName.startsWith("series"),
  );
  const first = shown[0];
  made.textContent =
    first === undefined
      ? ""
      : `${x.name} ${axisText(x, first.value[0])}: ${shown.map(({ seriesName, value }) => `${seriesName} ${axisText(y, value[1])}`).join(", ")}`;
  return made;
}
