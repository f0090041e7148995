import type { PageData } from "../inspect/page/page-data.ts";
import { listenToCanvas } from "./canvas-input.ts";
import { classesOf } from "./classes.ts";
import { markAt, rectangleOf } from "./hit.ts";
import { type Mark, paint, type Scene } from "./paint.ts";
import { shadesOf } from "./palette.ts";
import { ink } from "./theme.ts";
import type { ViewStore } from "./view.ts";
import { fitted, moved, type Viewport, zoomed } from "./viewport.ts";

export interface GraphView {
  /** Shows a mark in the middle and selects it. */
  focus(mark: Mark): void;
  zoom(factor: number): void;
  showAll(): void;
  redraw(): void;
}

export interface GraphEvents {
  readonly select: (mark: Mark | undefined) => void;
  readonly hover: (mark: Mark | undefined, x: number, y: number) => void;
}

/** The graph on its canvas. A frame is drawn when something changed, at most one a refresh of the screen. */
export function createGraphView(canvas: HTMLCanvasElement, data: PageData, store: ViewStore, events: GraphEvents): GraphView {
  const context = canvas.getContext("2d", { alpha: false })!;
  let scene = sceneOf(data, store, canvas);
  let waiting = false;
  const redraw = (): void => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const start = performance.now();
      paint(context, scene);
      canvas.dataset["frameMs"] = (performance.now() - start).toFixed(2);
      canvas.dataset["frames"] = String(Number(canvas.dataset["frames"] ?? 0) + 1);
    });
  };
  const look = (viewport: Viewport): void => {
    scene = { ...scene, viewport };
    redraw();
  };
  const showAll = (): void => {
    const { width, height } = scene.drawing;
    look(fitted({ x: 0, y: 0, width, height }, scene.screen));
  };
  const select = (mark: Mark | undefined): void => {
    scene = { ...scene, selected: mark };
    events.select(mark);
    redraw();
  };
  const focus = (mark: Mark): void => {
    const near = rectangleOf(scene.drawing, mark);
    const scale = mark.kind === "operator" ? Math.max(0.8, scene.viewport.scale) : 1;
    look(fitted(near, scene.screen, scale));
    select(mark);
  };
  listenToCanvas(canvas, {
    move: (byX, byY) => look(moved(scene.viewport, byX, byY)),
    zoom: (factor, x, y) => look(zoomed(scene.viewport, factor, x, y)),
    hover: (x, y) => events.hover(x === undefined ? undefined : markAt(scene, x, y ?? 0), x ?? 0, y ?? 0),
    choose: (x, y) => select(markAt(scene, x, y)),
    step: (by) => focus(nextMark(scene, by)),
    enter: () => scene.selected && focus(scene.selected),
    showAll,
  });
  new ResizeObserver(() => {
    const empty = scene.screen.height === 0;
    scene = { ...scene, screen: resize(canvas, context) };
    if (empty) showAll();
    redraw();
  }).observe(canvas);
  store.watch((view) => {
    const changed = scene.drawing !== data.drawings[view.drawing];
    const kept = { viewport: scene.viewport, screen: scene.screen, selected: changed ? undefined : scene.selected };
    scene = { ...sceneOf(data, store, canvas), ...kept };
    canvas.dataset["boxes"] = String(scene.drawing.boxes.length);
    canvas.dataset["operators"] = String(scene.drawing.operators.length);
    if (changed) showAll();
    redraw();
  });
  return {
    focus,
    showAll,
    redraw: () => {
      scene = { ...scene, ink: ink() };
      redraw();
    },
    zoom: (factor) => look(zoomed(scene.viewport, factor, scene.screen.width / 2, scene.screen.height / 2)),
  };
}

function sceneOf(data: PageData, store: ViewStore, canvas: HTMLCanvasElement): Scene {
  const view = store.current();
  return {
    drawing: data.drawings[view.drawing],
    classes: classesOf(data, view),
    shades: shadesOf(view.colour, data.rack !== undefined, data.placement?.devices),
    nameOf: (operator) => [data.operators[operator]![0], data.operators[operator]![1]],
    viewport: { x: 0, y: 0, scale: 1 },
    screen: { width: canvas.clientWidth, height: 0 },
    selected: undefined,
    ink: ink(),
  };
}

/** Sharp on screens with more pixels than points. */
function resize(canvas: HTMLCanvasElement, context: CanvasRenderingContext2D): Scene["screen"] {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { width, height };
}

/** The next of its kind: of operators where one is selected, else of boxes. */
function nextMark({ drawing, selected }: Scene, by: number): Mark {
  const kind = selected?.kind ?? "box";
  const count = kind === "box" ? drawing.boxes.length : drawing.operators.length;
  const place = selected === undefined ? (by > 0 ? 0 : count - 1) : (selected.place + by + count) % count;
  return { kind, place };
}
