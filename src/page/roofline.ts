import { LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";
import { quantity } from "../base/quantity.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import { shadesOf } from "./palette.ts";
import { rooflineMarks, roofOf } from "./roofline-data.ts";
import { ink } from "./theme.ts";
import type { View } from "./view.ts";

use([LineChart, ScatterChart, GridComponent, TooltipComponent, LabelLayout, CanvasRenderer]);

/** Shape of a class's marks, so that colour is not all that tells them apart. */
const SYMBOLS: Readonly<Record<string, string>> = { compute: "circle", bandwidth: "rect", latency: "triangle" };

/** The roofs of all devices and the stages on the one in use; returns how to draw a view. */
export function createRoofline(place: HTMLElement, note: HTMLElement, data: PageData): (view: View) => void {
  const chart = init(place, undefined, { renderer: "canvas" });
  new ResizeObserver(() => chart.resize()).observe(place);
  return (view) => {
    const { text, line, focus } = ink();
    const devices = data.rack?.devices ?? [];
    const { marks, left } = rooflineMarks(data, view);
    const span = spanOf(
      marks.map(({ intensity }) => intensity),
      devices.flatMap(({ ridge }) => (ridge === undefined ? [] : [ridge])),
    );
    const roofs = devices.flatMap((device, index) => {
      const points = roofOf(device, span);
      if (points.length === 0) return [];
      const used = index === view.device;
      return [
        {
          type: "line" as const,
          name: device.id,
          data: points,
          symbol: "none",
          silent: true,
          lineStyle: {
            width: used ? 3 : 1,
            color: used ? focus : text,
            type: used ? ("solid" as const) : ("dashed" as const),
            opacity: used ? 1 : 0.55,
          },
          endLabel: { show: true, formatter: device.id, color: text, fontWeight: used ? ("bold" as const) : ("normal" as const) },
        },
      ];
    });
    const stages = shadesOf("bound", true).flatMap(({ key, name, fill }) => {
      const own = marks.filter(({ bound }) => bound === key);
      if (own.length === 0) return [];
      return [
        {
          type: "scatter" as const,
          name,
          symbol: SYMBOLS[key] ?? "diamond",
          symbolSize: 13,
          itemStyle: { color: fill, borderColor: ink().ground, borderWidth: 1 },
          data: own.map(({ scope, intensity, rate }) => ({ name: scope, value: [intensity, rate] })),
          label: { show: true, formatter: "{b}", position: "right" as const, color: text, fontSize: 11 },
          labelLayout: { hideOverlap: false, moveOverlap: "shiftY" as const },
        },
      ];
    });
    const axis = {
      type: "log" as const,
      nameLocation: "middle" as const,
      axisLabel: { color: text },
      axisLine: { lineStyle: { color: text } },
    };
    const splitLine = { lineStyle: { color: line, opacity: 0.4 } };
    chart.setOption(
      {
        animation: false,
        textStyle: { color: text },
        grid: { left: 76, right: 64, top: 18, bottom: 48 },
        tooltip: { trigger: "item", confine: true, formatter: tipText },
        xAxis: { ...axis, name: "FLOP / byte", nameGap: 30, nameTextStyle: { color: text }, splitLine, min: span[0], max: span[1] },
        yAxis: { ...axis, splitLine, axisLabel: { color: text, formatter: (value: number) => quantity(value, "FLOP/s") } },
        series: [...roofs, ...stages],
      },
      { notMerge: true },
    );
    place.dataset["marks"] = String(marks.length);
    note.textContent = noteText(left);
  };
}

/** Whole decades around everything drawn. */
function spanOf(intensities: readonly number[], ridges: readonly number[]): readonly [number, number] {
  const all = [...intensities, ...ridges].filter((value) => value > 0);
  if (all.length === 0) return [0.1, 1000];
  return [10 ** Math.floor(Math.log10(Math.min(...all)) - 0.1), 10 ** Math.ceil(Math.log10(Math.max(...all)) + 0.5)];
}

/** Plain text with its markup made harmless: the chart reads tips as HTML. */
function tipText(item: { readonly name?: string; readonly value?: unknown; readonly seriesName?: string }): string {
  const [intensity, rate] = Array.isArray(item.value) ? (item.value as number[]) : [];
  const safe = (item.name ?? "").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `${safe}<br>${Number(intensity).toPrecision(3)} FLOP/B, ${quantity(Number(rate), "FLOP/s")}<br>bound by ${item.seriesName ?? ""}`;
}

function noteText(left: readonly string[]): string {
  const how = "Marks lie below their roof by what launches cost. Circle: compute, square: bandwidth, triangle: latency.";
  return left.length === 0 ? how : `${how} Not drawn, because they do no counted operations or have no estimate: ${left.join(", ")}.`;
}
