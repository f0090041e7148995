/** A mark on a chart, in pixels, with the text that belongs to it. */
export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

export interface Label {
  readonly side: "left" | "right";
  /** Pixels below the middle of the mark. */
  readonly down: number;
}

const LINE = 14;
const CHARACTER = 6.2;
/** From the middle of a mark to its text. */
const GAP = 12;
const MARK = 13;
/** Lines a label may stand above or below its mark. */
const STEPS = 2;

/** Sides and heights at which no label covers another or another's mark; none leaves the chart on the right. Undefined where there is no room near the mark. */
export function labelPlaces(marks: readonly Labelled[], right: number): readonly (Label | undefined)[] {
  const taken: { readonly left: number; readonly top: number; readonly width: number }[] = marks.map(({ x, y }) => {
    return { left: x - MARK / 2, top: y, width: MARK };
  });
  return marks.map(({ x, y, text }) => {
    const width = text.length * CHARACTER;
    const side = x + GAP + width > right ? "left" : "right";
    const left = side === "right" ? x + GAP : x - GAP - width;
    const free = (down: number): boolean =>
      taken.every((other) => left + width < other.left || other.left + other.width < left || Math.abs(y + down - other.top) >= LINE);
    const downs = [0, ...Array.from({ length: STEPS }, (_unused, step) => [(step + 1) * LINE, -(step + 1) * LINE]).flat()];
    const down = downs.find(free);
    if (down === undefined) return undefined;
    taken.push({ left, top: y + down, width });
    return { side, down };
  });
}
