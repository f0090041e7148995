/** Goal: what the page computes in the browser is right without one. Method: its pure parts on small cases worked out by hand. */
import { describe, expect, it } from "vitest";
import { labelPlaces } from "./label-places.ts";
import { shadesOf } from "./palette.ts";
import { roofOf } from "./roofline-data.ts";
import { numberText, shareText } from "./texts.ts";
import { fitted, moved, zoomed } from "./viewport.ts";

const SCREEN = { width: 432, height: 232 };
const grounded = { basis: "data-sheet", source: "s" } as const;

describe("the viewport", () => {
  it("shows a rectangle whole and in the middle", () => {
    const view = fitted({ x: 100, y: 50, width: 800, height: 200 }, SCREEN);
    expect(view).toEqual({ scale: 0.5, x: 500 - 432, y: 150 - 232 });
  });

  it("zooms about a point that stays where it is", () => {
    const before = { x: 10, y: 20, scale: 1 };
    const after = zoomed(before, 2, 100, 60);
    expect([100 / after.scale + after.x, 60 / after.scale + after.y]).toEqual([110, 80]);
    expect(zoomed(before, 1000, 0, 0).scale).toBe(4);
  });

  it("moves by pixels", () => {
    expect(moved({ x: 0, y: 0, scale: 0.5 }, 10, -5)).toEqual({ x: -20, y: 10, scale: 0.5 });
  });
});

describe("labels of marks", () => {
  it("step aside where they would cover one another, and turn left at the right edge", () => {
    const marks = [10, 40, 500].map((x) => ({ x, y: 100, text: "layers.*.attention" }));
    expect(labelPlaces(marks, 560)).toEqual([
      { side: "right", down: 14 },
      { side: "right", down: 0 },
      { side: "left", down: 0 },
    ]);
  });

  it("are left out where there is no room near the mark", () => {
    const crowd = Array.from({ length: 12 }, (_unused, index) => ({ x: 10, y: 100, text: `stage ${index}` }));
    expect(labelPlaces(crowd, 560).filter((label) => label !== undefined)).toHaveLength(5);
  });
});

describe("roofs", () => {
  const device = {
    peak: { ...grounded, type: "bf16", operationsPerSecond: 1e12 },
    bandwidth: { ...grounded, bytesPerSecond: 1e11 },
    ridge: 10,
  } as const;

  it("rise with the bandwidth to the ridge and stay at the peak", () => {
    expect(roofOf(device, [1, 100])).toEqual([
      [1, 1e11],
      [10, 1e12],
      [100, 1e12],
    ]);
  });

  it("are not drawn for a device without a peak", () => {
    expect(roofOf({ ...device, peak: undefined, ridge: undefined }, [1, 100])).toEqual([]);
  });
});

describe("classes", () => {
  it.each(["bound", "cut", "device"] as const)("by %s are told apart by letter and by colour, readable on their colour", (colour) => {
    const shades = shadesOf(colour, true, ["a", "b", "c", "d", "e", "f", "g", "h"]);
    expect(new Set(shades.map(({ letter }) => letter)).size).toBe(shades.length);
    expect(new Set(shades.map(({ fill }) => fill)).size).toBe(shades.length);
    for (const { fill, text } of shades) expect(contrast(fill, text)).toBeGreaterThanOrEqual(4.5);
  });

  it("would be seen to be unreadable", () => {
    expect(contrast("#e6a100", "#ffffff")).toBeLessThan(4.5);
  });
});

it("texts of numbers have two digits, and none of nothing", () => {
  expect([undefined, 0.5, 123.4, 0.001].map(numberText)).toEqual(["–", "0.50", "123", "0.0010"]);
  expect([undefined, 0.256].map(shareText)).toEqual(["–", "26 %"]);
});

/** Source: WCAG 2.2, relative luminance and contrast ratio. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
