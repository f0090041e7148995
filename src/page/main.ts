import { THRESHOLDS } from "../inspect/classify/thresholds.ts";
import { DATA_ID } from "../inspect/page/data-id.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import { detailsOf, tipOf } from "./details.ts";
import { deviceLine, fillBudget, fillSources } from "./device-tables.ts";
import { byId, element, option, swatch } from "./dom.ts";
import { createGraphView, type GraphView } from "./graph-view.ts";
import type { Mark } from "./paint.ts";
import { shadesOf } from "./palette.ts";
import { createRoofline } from "./roofline.ts";
import { listenToSearch, searched } from "./search.ts";
import { createStageTable } from "./stage-table.ts";
import { estimateBasis, shareText, timeText } from "./texts.ts";
import { listenToTheme } from "./theme.ts";
import { createViewStore, type View } from "./view.ts";

const data = JSON.parse(document.getElementById(DATA_ID)?.textContent ?? "null") as PageData;
const placed = data.placement !== undefined;
const store = createViewStore({
  device: data.rack === undefined ? -1 : 0,
  phase: data.placement?.phase ?? 0,
  colour: placed ? "device" : "bound",
  drawing: placed ? "model" : "stages",
});

fillHead();
const graph = connectGraph();
connectControls(graph);
connectTables(graph);
const drawRoofline = connectRoofline();
listenToTheme(byId("theme", HTMLButtonElement), () => {
  graph.redraw();
  drawRoofline(store.current());
});
document.documentElement.dataset["ready"] = "yes";

function fillHead(): void {
  byId("title", HTMLElement).textContent = data.name;
  const facts = data.facts.map(([label, text]) => element("div", [element("dt", label), element("dd", text)]));
  byId("facts", HTMLElement).replaceChildren(...facts);
  byId("notes", HTMLUListElement).replaceChildren(...data.notes.map((note) => element("li", note)));
  byId("device", HTMLSelectElement).replaceChildren(...(data.rack?.devices ?? []).map(({ id }, index) => option(id, String(index))));
  byId("phase", HTMLSelectElement).replaceChildren(
    ...data.phases.map(({ name, text }, index) => option(`${name}: ${text}`, String(index))),
  );
  for (const id of ["roofline-section", "budget-section", "sources-section"]) byId(id, HTMLElement).hidden = data.rack === undefined;
  for (const id of ["device", "colour"]) byId(id, HTMLSelectElement).closest("label")!.hidden = data.rack === undefined;
  const byDevice = byId("by-device", HTMLOptionElement);
  byDevice.hidden = byDevice.disabled = !placed;
  byId("colour", HTMLSelectElement).value = store.current().colour;
  byId("view", HTMLSelectElement).value = store.current().drawing;
  byId("phase", HTMLSelectElement).value = String(store.current().phase);
  store.watch((view) => {
    byId("device-line", HTMLElement).textContent = headLine(view);
    const shades = shadesOf(view.colour, data.rack !== undefined, data.placement?.devices);
    byId("legend", HTMLUListElement).replaceChildren(
      ...shades.map((shade) => element("li", [swatch(shade), ` ${shade.name}${spent(view, shade.key)}: ${shade.meaning}`])),
    );
  });
}

/** Share of the estimate that stages of a class take. */
function spent({ device, phase, colour }: View, key: string): string {
  const shares = data.rack?.devices[device]?.phases[phase]?.shares ?? [];
  const share = colour === "bound" ? shares.find(({ bound }) => bound === key)?.share : undefined;
  return share === undefined ? "" : `, ${shareText(share)} of the time`;
}

function headLine(view: View): string {
  const device = data.rack?.devices[view.device];
  if (device === undefined) return "No rack was given: classes, estimates and budgets need one.";
  const { estimateNs, unknownOperators } = device.phases[view.phase]!;
  const left = unknownOperators === 0 ? "" : `, ${unknownOperators} operators of unknown work left out`;
  const estimate = (estimateNs === undefined ? "no estimate of the whole run" : `${timeText(estimateNs)} ${estimateBasis(device)}`) + left;
  return `${data.phases[view.phase]!.name}: ${estimate}. ${deviceLine(device)}.`;
}

function connectGraph(): GraphView {
  const details = byId("details", HTMLElement);
  const tip = byId("tip", HTMLDivElement);
  let selected: Mark | undefined;
  const view = createGraphView(byId("graph", HTMLCanvasElement), data, store, {
    select: (mark) => {
      selected = mark;
      details.replaceChildren(...detailsOf(data, store.current(), mark));
    },
    hover: (mark, x, y) => {
      tip.hidden = mark === undefined;
      if (mark === undefined) return;
      tip.textContent = tipOf(data, store.current(), mark);
      const room = (tip.parentElement?.clientWidth ?? 0) - tip.offsetWidth - 4;
      tip.style.transform = `translate(${Math.max(0, Math.min(x + 14, room))}px, ${y + 14}px)`;
    },
  });
  let drawing = store.current().drawing;
  store.watch((current) => {
    if (current.drawing !== drawing) selected = undefined;
    drawing = current.drawing;
    details.replaceChildren(...detailsOf(data, current, selected));
  });
  return view;
}

function connectControls(view: GraphView): void {
  const onSelect = (id: string, part: (value: string) => Partial<View>): void => {
    const select = byId(id, HTMLSelectElement);
    select.addEventListener("change", () => store.change(part(select.value)));
  };
  onSelect("device", (value) => ({ device: Number(value) }));
  onSelect("phase", (value) => ({ phase: Number(value) }));
  onSelect("colour", (value) => ({ colour: value === "cut" || value === "device" ? value : "bound" }));
  onSelect("view", (value) => ({ drawing: value === "model" ? "model" : "stages" }));
  byId("closer", HTMLButtonElement).addEventListener("click", () => view.zoom(1.5));
  byId("farther", HTMLButtonElement).addEventListener("click", () => view.zoom(1 / 1.5));
  byId("whole", HTMLButtonElement).addEventListener("click", view.showAll);
  listenToSearch(byId("search", HTMLInputElement), byId("found", HTMLUListElement), {
    find: (text) => searched(data, store.current(), text),
    go: view.focus,
  });
}

function connectTables(view: GraphView): void {
  const choose = (group: number): void => {
    const place = data.drawings[store.current().drawing].boxes.findIndex((box) => box.group === group);
    view.focus({ kind: "box", place });
    byId("graph", HTMLCanvasElement).scrollIntoView({ block: "nearest" });
  };
  store.watch(createStageTable(byId("stages", HTMLTableElement), data, choose));
  const axes = data.rack === undefined ? [] : THRESHOLDS;
  const texts = axes.map(({ axis, value, label, reason }) => `${axis} ${value ?? "ridge"}: ${label}; ${reason}.`);
  byId("thresholds", HTMLUListElement).replaceChildren(...texts.map((text) => element("li", text)));
  if (data.rack === undefined) return;
  fillBudget(byId("budget", HTMLTableElement), byId("budget-notes", HTMLUListElement), data.rack);
  fillSources(byId("sources", HTMLTableElement), data.rack);
}

function connectRoofline(): (view: View) => void {
  if (data.rack === undefined) return () => undefined;
  const draw = createRoofline(byId("roofline", HTMLDivElement), byId("roofline-note", HTMLElement), data);
  store.watch(draw);
  return draw;
}
