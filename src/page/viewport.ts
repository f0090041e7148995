/** Which part of a drawing a canvas shows: screen = (drawing - origin) x scale. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Extent {
  readonly width: number;
  readonly height: number;
}

export interface Rectangle extends Extent {
  readonly x: number;
  readonly y: number;
}

const SCALE_MIN = 0.005;
const SCALE_MAX = 4;
/** Free border of what is shown whole, in pixels. */
const MARGIN = 16;
/** What is zoomed to is shown no larger than at this scale. */
const FOCUS_SCALE = 1;

/** Shows all of a rectangle of the drawing in the middle of the screen. */
export function fitted({ x, y, width, height }: Rectangle, screen: Extent, most = FOCUS_SCALE): Viewport {
  const across = (screen.width - 2 * MARGIN) / Math.max(1, width);
  const down = (screen.height - 2 * MARGIN) / Math.max(1, height);
  const scale = limited(Math.min(across, down, most));
  return { scale, x: x + width / 2 - screen.width / 2 / scale, y: y + height / 2 - screen.height / 2 / scale };
}

/** Zooms so that what lies below a point of the screen stays there. */
export function zoomed(view: Viewport, factor: number, atX: number, atY: number): Viewport {
  const scale = limited(view.scale * factor);
  return { scale, x: view.x + atX / view.scale - atX / scale, y: view.y + atY / view.scale - atY / scale };
}

/** Moves the drawing by pixels. */
export function moved(view: Viewport, byX: number, byY: number): Viewport {
  return { ...view, x: view.x - byX / view.scale, y: view.y - byY / view.scale };
}

function limited(scale: number): number {
  return Math.min(SCALE_MAX, Math.max(SCALE_MIN, scale));
}
