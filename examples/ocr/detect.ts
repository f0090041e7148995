import { type Tensor, tensor } from "heddle";
import { componentsOf } from "./components.ts";
import { grown, minAreaBox, type RotatedBox } from "./min-area-box.ts";
import { type Picture, sample } from "./picture.ts";

/** Sides of the detector's input are multiples of this; longer pictures are made smaller. Source: PaddleOCR's settings for PP-OCRv4. */
const SIDE_STEP = 32;
const SIDE_MAX = 960;
/** Where the map is higher there is text; a line counts when the mean over its box is higher still. Source: as above. */
const TEXT_MIN = 0.3;
const BOX_MIN = 0.5;
/** The map marks the core of a line: its box grows by so much x area / perimeter. RapidOCR takes 1.6 of an area it has widened; 1.8 loses fewer spaces. */
const GROW_RATIO = 1.8;
/** Smaller ones are specks. Unit: pixels of the map. */
const SIDE_MIN = 3;

/** A picture as the detector wants it: blue first, sides multiples of 32, values from -1 to 1. */
export function detectorInput(picture: Picture): Tensor {
  const scale = Math.min(1, SIDE_MAX / Math.max(picture.width, picture.height));
  const side = (length: number): number => Math.max(SIDE_STEP, Math.round((length * scale) / SIDE_STEP) * SIDE_STEP);
  const width = side(picture.width);
  const height = side(picture.height);
  const values = new Float32Array(3 * height * width);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const point = { x: ((x + 0.5) * picture.width) / width - 0.5, y: ((y + 0.5) * picture.height) / height - 0.5 };
      for (let channel = 0; channel < 3; channel++)
        values[(channel * height + y) * width + x] = sample(picture, point, 2 - channel) / 127.5 - 1;
    }
  }
  return tensor(values, [1, 3, height, width]);
}

/** Boxes of lines of text in a picture, in reading order, from the detector's map of it. */
export function linesOf(map: Tensor, picture: Picture): RotatedBox[] {
  const [height, width] = map.dims.slice(-2) as [number, number];
  const heat = map.data as Float32Array;
  const scale = { x: picture.width / width, y: picture.height / height };
  const boxes = componentsOf(heat, { width, height, threshold: TEXT_MIN }).flatMap((edge) => {
    const box = minAreaBox(edge);
    if (Math.min(box.width, box.height) < SIDE_MIN || meanInside(heat, width, box) < BOX_MIN) return [];
    return [scaled(grown(box, GROW_RATIO), scale)];
  });
  return inReadingOrder(boxes);
}

/** Mean of the map over the box's pixels. */
function meanInside(heat: Float32Array, width: number, box: RotatedBox): number {
  let sum = 0;
  let count = 0;
  const { along, across } = box;
  const reach = Math.ceil((box.width + box.height) / 2);
  const rows = heat.length / width;
  for (let y = Math.max(0, Math.floor(box.center.y - reach)); y <= Math.min(rows - 1, box.center.y + reach); y++) {
    for (let x = Math.max(0, Math.floor(box.center.x - reach)); x <= Math.min(width - 1, box.center.x + reach); x++) {
      const dx = x - box.center.x;
      const dy = y - box.center.y;
      if (Math.abs(dx * along.x + dy * along.y) > box.width / 2 || Math.abs(dx * across.x + dy * across.y) > box.height / 2) continue;
      sum += heat[y * width + x]!;
      count++;
    }
  }
  return count === 0 ? 0 : sum / count;
}

/** In the picture's pixels; both scales are nearly one number, so a rectangle stays one. */
function scaled(box: RotatedBox, scale: { readonly x: number; readonly y: number }): RotatedBox {
  const stretch = (axis: { readonly x: number; readonly y: number }): number => Math.hypot(axis.x * scale.x, axis.y * scale.y);
  const center = { x: (box.center.x + 0.5) * scale.x - 0.5, y: (box.center.y + 0.5) * scale.y - 0.5 };
  return { ...box, center, width: box.width * stretch(box.along), height: box.height * stretch(box.across) };
}

/** Top to bottom; what stands beside one another left to right. */
function inReadingOrder(boxes: readonly RotatedBox[]): RotatedBox[] {
  const rows: RotatedBox[][] = [];
  for (const box of boxes.toSorted((a, b) => a.center.y - b.center.y)) {
    const row = rows.at(-1);
    const near = Math.min(box.height, row?.[0]?.height ?? 0) / 2;
    if (row !== undefined && box.center.y - row[0]!.center.y < near) row.push(box);
    else rows.push([box]);
  }
  return rows.flatMap((row) => row.toSorted((a, b) => a.center.x - b.center.x));
}
