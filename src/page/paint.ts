import { BOX_HEADER, type Drawing, OPERATOR_HEIGHT, OPERATOR_WIDTH } from "../inspect/page/drawing.ts";
import type { PaintedClasses } from "./classes.ts";
import type { Shade } from "./palette.ts";
import type { Extent, Viewport } from "./viewport.ts";

/** Something that can be pointed at: a place in the boxes or in the operators of a drawing. */
export type Mark = { readonly kind: "box" | "operator"; readonly place: number };

export interface Scene {
  readonly drawing: Drawing;
  readonly classes: PaintedClasses;
  readonly shades: readonly Shade[];
  /** Of an operator of the graph: name and kind. */
  readonly nameOf: (operator: number) => readonly [string, string];
  readonly viewport: Viewport;
  readonly screen: Extent;
  readonly selected: Mark | undefined;
  readonly ink: Ink;
}

export interface Ink {
  readonly ground: string;
  readonly text: string;
  readonly line: string;
  readonly focus: string;
}

/** Height of an operator in pixels from which operators are drawn, and from which their names are. */
const OPERATORS_FROM = 3;
const NAMES_FROM = 13;
const LABEL_PIXELS = 12;
const LABEL_PIXELS_LEAST = 8;
/** A box without room for so many characters of its name shows its letter alone. */
const LABEL_CHARACTERS = 7;
/** Width of a character as a share of the letter height, for cutting names. */
const CHARACTER = 0.58;

/** Whether a scale shows operators or the boxes of their stages alone. */
export function showsOperators({ scale }: Viewport): boolean {
  return OPERATOR_HEIGHT * scale >= OPERATORS_FROM;
}

/** Draws a scene; what lies outside the screen costs a comparison. */
export function paint(context: CanvasRenderingContext2D, scene: Scene): void {
  const { viewport, screen, ink } = scene;
  context.fillStyle = ink.ground;
  context.fillRect(0, 0, screen.width, screen.height);
  const near = showsOperators(viewport);
  if (near) {
    paintBoxes(context, scene, near);
    paintEdges(context, scene, scene.drawing.edges, operatorEnds(scene));
    paintOperators(context, scene);
  } else {
    paintEdges(context, scene, scene.drawing.boxEdges, boxEnds(scene));
    paintBoxes(context, scene, near);
  }
  paintBoxLabels(context, scene, near);
  paintSelection(context, scene);
}

function paintBoxes(context: CanvasRenderingContext2D, scene: Scene, near: boolean): void {
  const { drawing, classes, shades, ink } = scene;
  context.lineWidth = 1;
  for (const [index, box] of drawing.boxes.entries()) {
    const place = onScreen(scene, box.x, box.y, box.width, box.height);
    if (place === undefined) continue;
    const [x, y, width, height] = place;
    const { fill } = shades[classes.boxes?.[index] ?? classes.groups[box.group]!]!;
    context.globalAlpha = near ? 0.16 : 1;
    context.fillStyle = fill;
    context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
    context.strokeStyle = near ? fill : ink.ground;
    context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    if (near) {
      context.fillStyle = fill;
      context.fillRect(x, y, width, Math.max(2, BOX_HEADER * scene.viewport.scale));
    }
  }
}

/** One path a class: ten thousand rectangles are five fills. */
function paintOperators(context: CanvasRenderingContext2D, scene: Scene): void {
  const { drawing, classes, shades, viewport } = scene;
  const height = OPERATOR_HEIGHT * viewport.scale;
  const named = height >= NAMES_FROM;
  const visible: number[][] = shades.map(() => []);
  for (let place = 0; place < drawing.operators.length; place++) {
    if (onScreen(scene, drawing.x[place]!, drawing.y[place]!, OPERATOR_WIDTH, OPERATOR_HEIGHT) === undefined) continue;
    visible[classes.operators[drawing.operators[place]!]!]!.push(place);
  }
  for (const [number, places] of visible.entries()) {
    context.fillStyle = shades[number]!.fill;
    context.beginPath();
    for (const place of places) {
      const [x, y] = toScreen(scene, drawing.x[place]!, drawing.y[place]!);
      context.rect(x, y, OPERATOR_WIDTH * viewport.scale, height);
    }
    context.fill();
    if (named) paintNames(context, scene, places, shades[number]!);
  }
}

function paintNames(context: CanvasRenderingContext2D, scene: Scene, places: readonly number[], shade: Shade): void {
  const { drawing, viewport } = scene;
  const pixels = Math.min(14, 12 * viewport.scale);
  context.fillStyle = shade.text;
  context.font = `${pixels}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  const room = Math.floor((OPERATOR_WIDTH * viewport.scale - 8) / (pixels * CHARACTER));
  for (const place of places) {
    const [x, y] = toScreen(scene, drawing.x[place]!, drawing.y[place]!);
    const [name, type] = scene.nameOf(drawing.operators[place]!);
    const short = name.slice(Math.max(name.lastIndexOf("."), name.lastIndexOf("/")) + 1) || type;
    const letter = shade.letter === "" ? "" : `${shade.letter} `;
    context.fillText(cut(letter + short, room), x + 4, y + (OPERATOR_HEIGHT * viewport.scale) / 2);
  }
}

function paintBoxLabels(context: CanvasRenderingContext2D, scene: Scene, near: boolean): void {
  const { drawing, classes, shades, viewport } = scene;
  context.textBaseline = "middle";
  for (const [index, box] of drawing.boxes.entries()) {
    const place = onScreen(scene, box.x, box.y, box.width, box.height);
    if (place === undefined) continue;
    const [x, y, width, height] = place;
    const header = near ? BOX_HEADER * viewport.scale : height;
    const least = near ? Math.min(LABEL_PIXELS_LEAST, header) : Math.min(LABEL_PIXELS, height * 0.6);
    const pixels = Math.min(LABEL_PIXELS, Math.max(header * 0.6, least));
    const room = Math.floor((width - 6) / (pixels * CHARACTER));
    if (pixels < 6 || room < 1) continue;
    const shade = shades[classes.boxes?.[index] ?? classes.groups[box.group]!]!;
    context.font = `600 ${pixels}px system-ui, sans-serif`;
    context.fillStyle = shade.text;
    const letter = shade.letter === "" ? "" : `${shade.letter} `;
    const label = room < LABEL_CHARACTERS ? shade.letter : cut(letter + box.name, room);
    // A header that lies left of the screen keeps its name in sight.
    const left = Math.max(x, Math.min(0, x + width - room * pixels * CHARACTER));
    context.fillText(label, left + (room < LABEL_CHARACTERS ? 2 : 4), y + Math.min(header, height) / 2);
  }
}

type Ends = (place: number) => readonly [x: number, y: number, width: number, height: number];

function operatorEnds({ drawing }: Scene): Ends {
  return (place) => [drawing.x[place]!, drawing.y[place]!, OPERATOR_WIDTH, OPERATOR_HEIGHT];
}

function boxEnds({ drawing }: Scene): Ends {
  return (place) => {
    const { x, y, width, height } = drawing.boxes[place]!;
    return [x, y, width, height];
  };
}

/** From the lower edge of one to the upper edge of the other; upward ones come from the side. */
function paintEdges(context: CanvasRenderingContext2D, scene: Scene, edges: readonly number[], ends: Ends): void {
  const { viewport, screen, ink } = scene;
  const curved = OPERATOR_HEIGHT * viewport.scale > 8;
  context.strokeStyle = ink.line;
  context.lineWidth = Math.max(0.5, Math.min(1.5, viewport.scale * 1.5));
  context.beginPath();
  for (let index = 0; index < edges.length; index += 2) {
    const [fromX, fromY, fromWidth, fromHeight] = ends(edges[index]!);
    const [toX, toY, toWidth] = ends(edges[index + 1]!);
    const [x1, y1] = toScreen(scene, fromX + fromWidth / 2, fromY + fromHeight);
    const [x2, y2] = toScreen(scene, toX + toWidth / 2, toY);
    if (Math.max(x1, x2) < 0 || Math.min(x1, x2) > screen.width || Math.max(y1, y2) < 0 || Math.min(y1, y2) > screen.height) continue;
    context.moveTo(x1, y1);
    if (curved) {
      const bend = Math.max(12 * viewport.scale, Math.min(Math.abs(y2 - y1) / 2, 60 * viewport.scale));
      context.bezierCurveTo(x1, y1 + bend, x2, y2 - bend, x2, y2);
    } else context.lineTo(x2, y2);
  }
  context.stroke();
}

function paintSelection(context: CanvasRenderingContext2D, scene: Scene): void {
  const { selected, ink } = scene;
  if (selected === undefined) return;
  const [x, y, width, height] = (selected.kind === "box" ? boxEnds(scene) : operatorEnds(scene))(selected.place);
  const [left, top] = toScreen(scene, x, y);
  context.strokeStyle = ink.focus;
  context.lineWidth = 3;
  context.strokeRect(left - 2, top - 2, width * scene.viewport.scale + 4, height * scene.viewport.scale + 4);
}

function toScreen({ viewport }: Scene, x: number, y: number): readonly [number, number] {
  return [(x - viewport.x) * viewport.scale, (y - viewport.y) * viewport.scale];
}

function onScreen(
  scene: Scene,
  x: number,
  y: number,
  width: number,
  height: number,
): readonly [number, number, number, number] | undefined {
  const { scale } = scene.viewport;
  const [left, top] = toScreen(scene, x, y);
  if (left > scene.screen.width || top > scene.screen.height || left + width * scale < 0 || top + height * scale < 0) return undefined;
  return [left, top, width * scale, height * scale];
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : room < 2 ? "" : `${text.slice(0, room - 1)}…`;
}
