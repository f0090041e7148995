/** What a reader does with the pointer, the fingers or the keys, in pixels of the canvas. */
export interface CanvasActions {
  readonly move: (byX: number, byY: number) => void;
  readonly zoom: (factor: number, x: number, y: number) => void;
  readonly hover: (x: number | undefined, y?: number) => void;
  readonly choose: (x: number, y: number) => void;
  readonly step: (by: number) => void;
  readonly enter: () => void;
  readonly showAll: () => void;
}

/** Pixels a pointer may wander during a click or tap. */
const CLICK_PIXELS = 5;
const KEY_PIXELS = 60;
const KEY_ZOOM = 1.3;
/** Zoom of one pixel of a wheel. */
const WHEEL_ZOOM = 0.0015;

export function listenToCanvas(canvas: HTMLCanvasElement, actions: CanvasActions): void {
  listenToPointers(canvas, actions);
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      actions.zoom(Math.exp(-event.deltaY * lines * WHEEL_ZOOM), event.offsetX, event.offsetY);
    },
    { passive: false },
  );
  canvas.addEventListener("dblclick", (event) => actions.zoom(2, event.offsetX, event.offsetY));
  canvas.addEventListener("keydown", (event) => {
    const act = keyActions(canvas, actions)[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

function keyActions(canvas: HTMLCanvasElement, { move, zoom, step, enter, showAll }: CanvasActions): Readonly<Record<string, () => void>> {
  const middle = (factor: number) => (): void => zoom(factor, canvas.clientWidth / 2, canvas.clientHeight / 2);
  return {
    ArrowLeft: () => move(KEY_PIXELS, 0),
    ArrowRight: () => move(-KEY_PIXELS, 0),
    ArrowUp: () => move(0, KEY_PIXELS),
    ArrowDown: () => move(0, -KEY_PIXELS),
    "+": middle(KEY_ZOOM),
    "=": middle(KEY_ZOOM),
    "-": middle(1 / KEY_ZOOM),
    "0": showAll,
    n: () => step(1),
    p: () => step(-1),
    N: () => step(1),
    P: () => step(-1),
    Enter: enter,
  };
}

/** One pointer drags, two pinch, none of them moving far is a click. */
function listenToPointers(canvas: HTMLCanvasElement, actions: CanvasActions): void {
  const down = new Map<number, { x: number; y: number }>();
  let wandered = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    if (down.size === 0) wandered = 0;
    down.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    const now = { x: event.offsetX, y: event.offsetY };
    if (before === undefined) {
      actions.hover(now.x, now.y);
      return;
    }
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    down.set(event.pointerId, now);
    wandered += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (other === undefined) actions.move(now.x - before.x, now.y - before.y);
    else {
      const [spread, last] = [now, before].map(({ x, y }) => Math.hypot(x - other.x, y - other.y));
      actions.zoom(Math.max(0.5, Math.min(2, spread! / Math.max(1, last!))), (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
  });
  const up = (event: PointerEvent): void => {
    const known = down.delete(event.pointerId);
    if (known && event.type === "pointerup" && down.size === 0 && wandered < CLICK_PIXELS) actions.choose(event.offsetX, event.offsetY);
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => actions.hover(undefined));
}
