import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { DATA_ID } from "../../inspect/page/data-id.ts";
import type { ReportChart, ReportData, ReportSection, ReportTable } from "../../inspect/report-page/report-data.ts";
import { byId, element } from "../dom.ts";
import { ink, listenToTheme } from "../theme.ts";
import { chartOption } from "./chart-option.ts";

use([LineChart, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, CanvasRenderer]);

const data = JSON.parse(document.getElementById(DATA_ID)?.textContent ?? "null") as ReportData;
const redraws: (() => void)[] = [];

byId("title", HTMLElement).textContent = data.title;
byId("facts", HTMLElement).replaceChildren(
  ...data.facts.map(([name, value]) => element("div", [element("dt", name), element("dd", value)])),
);
byId("warnings", HTMLUListElement).replaceChildren(...data.warnings.map((warning) => element("li", warning)));
byId("notes", HTMLUListElement).replaceChildren(...data.notes.map((note) => element("li", note)));
byId("sections", HTMLElement).replaceChildren(...data.sections.map(sectionOf));
listenToTheme(byId("theme", HTMLButtonElement), () => {
  for (const redraw of redraws) redraw();
});
document.documentElement.dataset["ready"] = "yes";

function sectionOf({ title, text, table, chart }: ReportSection): HTMLElement {
  return element("section", [
    element("h2", title),
    element("p", text, { class: "note" }),
    ...(chart === undefined ? [] : [chartOf(chart, title)]),
    ...(table === undefined ? [] : [tableOf(table)]),
  ]);
}

function tableOf({ head, rows }: ReportTable): HTMLElement {
  const row = (cells: readonly string[], kind: "td" | "th"): HTMLElement =>
    element(
      "tr",
      cells.map((cell, i) => element(i === 0 ? "th" : kind, cell, i === 0 && kind === "td" ? { scope: "row" } : {})),
    );
  return element(
    "div",
    [
      element("table", [
        element("thead", [row(head, "th")]),
        element(
          "tbody",
          rows.map((cells) => row(cells, "td")),
        ),
      ]),
    ],
    { class: "scroll" },
  );
}

function chartOf(chart: ReportChart, title: string): HTMLElement {
  const place = element("div", [], { class: "chart", role: "img", "aria-label": title });
  let drawn: ReturnType<typeof init> | undefined;
  const draw = (): void => {
    drawn ??= init(place, undefined, { renderer: "canvas" });
    drawn.resize();
    drawn.setOption(chartOption(chart, ink(), document.documentElement.dataset["theme"] === "dark"), { notMerge: true });
    place.dataset["lines"] = String(chart.lines.length);
  };
  redraws.push(() => {
    // Before it stands in the page it has no size to draw into.
    if (place.isConnected) draw();
  });
  new ResizeObserver(draw).observe(place);
  return place;
}
