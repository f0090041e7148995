import { LineChart, ScatterChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";
import { quantity } from "../base/quantity.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import { type Label, labelPlaces } from "./label-places.ts";
import { shadesOf } from "./palette.ts";
import { type RooflineMark, rooflineMarks, roofOf } from "./roofline-data.ts";
import { ink } from "./theme.ts";
import type { View } from "./view.ts";

use([LineChart, ScatterChart, GridComponent, TooltipComponent, LabelLayout, CanvasRenderer]);

/** Shape of a class's marks, so that colour is not all that tells them apart. */
const SYMBOLS: Readonly<Record<string, string>> = { compute: "circle", bandwidth: "rect", latency: "triangle" };

const GRID = { left: 76, right: 64, top: 18, bottom: 48 } as const;

/** The roofs of all devices and the stages on the one in use; returns how to draw a view. */
export function createRoofline(place: HTMLElement, note: HTMLElement, data: PageData): (view: View) => void {
  const chart = init(place, undefined, { renderer: "canvas" });
  let redraw = (): void => undefined;
  new ResizeObserver(() => {
    chart.resize();
    redraw();
  }).observe(place);
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
          labelLayout: { moveOverlap: "shiftY" as const },
          endLabel: { show: true, formatter: device.id, color: text, fontWeight: used ? ("bold" as const) : ("normal" as const) },
        },
      ];
    });
    const series = (labels: readonly (Label | undefined)[]): object[] => [...roofs, ...stageSeries(marks, labels)];
    const axis = {
      type: "log" as const,
      nameLocation: "middle" as const,
      axisLabel: { color: text },
      axisLine: { lineStyle: { color: text } },
    };
    const splitLine = { lineStyle: { color: line, opacity: 0.4 } };
    const option = {
      animation: false,
      textStyle: { color: text },
      grid: GRID,
      tooltip: { trigger: "item", confine: true, formatter: tipText },
      xAxis: { ...axis, name: "FLOP / byte", nameGap: 30, nameTextStyle: { color: text }, splitLine, min: span[0], max: span[1] },
      yAxis: { ...axis, splitLine, axisLabel: { color: text, formatter: (value: number) => quantity(value, "FLOP/s") } },
    };
    const draw = (): void => {
      chart.setOption({ ...option, series: series([]) }, { notMerge: true });
      const points = marks.map(({ scope, intensity, rate }) => {
        const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [intensity, rate]) as [number, number];
        return { x, y, text: scope };
      });
      chart.setOption({ series: series(labelPlaces(points, chart.getWidth() - GRID.right)) });
    };
    draw();
    redraw = draw;
    place.dataset["marks"] = String(marks.length);
    note.textContent = noteText(left);
  };
}

/** One series a class: marks of one shape and colour. */
function stageSeries(marks: readonly RooflineMark[], labels: readonly (Label | undefined)[]): object[] {
  const { text, ground } = ink();
  return shadesOf("bound", true).flatMap(({ key, name, fill }) => {
    const own = marks.flatMap((mark, index) => (mark.bound === key ? [{ ...mark, label: labels[index] }] : []));
    if (own.length === 0) return [];
    const data = own.map(({ scope, intensity, rate, label }) => ({
      name: scope,
      value: [intensity, rate],
      label: { show: label !== undefined, position: label?.side ?? "right", offset: [0, label?.down ?? 0] },
    }));
    return [
      {
        type: "scatter",
        name,
        symbol: SYMBOLS[key] ?? "diamond",
        symbolSize: 13,
        itemStyle: { color: fill, borderColor: ground, borderWidth: 1 },
        data,
        label: { formatter: "{b}", color: text, fontSize: 11, textBorderColor: ground, textBorderWidth: 3 },
      },
    ];
  });
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
  const how =
    "Marks lie below their roof by what launches cost. Circle: compute, square: bandwidth, triangle: latency. Where marks crowd, point at one for its name.";
  return left.length === 0 ? how : `${how} Not drawn, because they do no counted operations or have no estimate: ${left.join(", ")}.`;
}
