import { type Tensor, tensor } from "heddle";
import type { RotatedBox } from "./min-area-box.ts";
import { type Picture, sample } from "./picture.ts";

/** Height of the recogniser's input, and the width of what tells which way up a line is. Source: PaddleOCR's settings for PP-OCRv4. */
const HEIGHT = 48;
const DIRECTION_WIDTH = 192;
/** So sure it must be that a line stands on its head. Source: as above. */
const TURNED_MIN = 0.9;

/** A line cut out of its picture: 3 planes, blue first, `width` x 48, values from -1 to 1. */
export interface Line {
  readonly width: number;
  readonly values: Float32Array;
}

/** What a box holds, turned upright and scaled to the recogniser's height. */
export function cutOut(picture: Picture, box: RotatedBox): Line {
  const width = Math.max(1, Math.ceil((HEIGHT * box.width) / box.height));
  const values = new Float32Array(3 * HEIGHT * width);
  // One sample for each pixel of the picture, where the line is made smaller: fewer would miss thin strokes.
  const taps = Math.max(1, Math.ceil(box.height / HEIGHT));
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < width; x++) {
      for (let tap = 0; tap < taps * taps; tap++) {
        const u = ((x + ((tap % taps) + 0.5) / taps) / width - 0.5) * box.width;
        const v = ((y + (Math.floor(tap / taps) + 0.5) / taps) / HEIGHT - 0.5) * box.height;
        const point = { x: box.center.x + u * box.along.x + v * box.across.x, y: box.center.y + u * box.along.y + v * box.across.y };
        for (let channel = 0; channel < 3; channel++)
          values[(channel * HEIGHT + y) * width + x]! += (sample(picture, point, 2 - channel) / 127.5 - 1) / (taps * taps);
      }
    }
  }
  return { width, values };
}

/** Lines in one tensor, as wide as the widest; zeros behind the others. */
export function batchOf(lines: readonly Line[]): Tensor {
  const width = Math.max(...lines.map((line) => line.width));
  const values = new Float32Array(lines.length * 3 * HEIGHT * width);
  lines.forEach((line, at) => {
    for (let row = 0; row < 3 * HEIGHT; row++)
      values.set(line.values.subarray(row * line.width, (row + 1) * line.width), (at * 3 * HEIGHT + row) * width);
  });
  return tensor(values, [lines.length, 3, HEIGHT, width]);
}

/** The beginnings of lines, as what tells their direction wants them. */
export function beginningsOf(lines: readonly Line[]): Tensor {
  const values = new Float32Array(lines.length * 3 * HEIGHT * DIRECTION_WIDTH);
  lines.forEach((line, at) => {
    const kept = Math.min(line.width, DIRECTION_WIDTH);
    for (let row = 0; row < 3 * HEIGHT; row++)
      values.set(line.values.subarray(row * line.width, row * line.width + kept), (at * 3 * HEIGHT + row) * DIRECTION_WIDTH);
  });
  return tensor(values, [lines.length, 3, HEIGHT, DIRECTION_WIDTH]);
}

/** Lines the right way up. `scores`: how sure it is of each line that it is, and that it is not. */
export function upright(lines: readonly Line[], scores: Tensor): Line[] {
  return lines.map((line, at) => {
    if ((scores.data as Float32Array)[at * 2 + 1]! < TURNED_MIN) return line;
    const plane = HEIGHT * line.width;
    const values = line.values.map((_, i) => line.values[i - (i % plane) + plane - 1 - (i % plane)]!);
    return { ...line, values };
  });
}

/** What is written in each line: the likeliest character of every column, repetitions and blanks left out (Graves et al. 2006). */
export function textsOf(scores: Tensor, characters: readonly string[]): string[] {
  const [count, columns, classes] = scores.dims as [number, number, number];
  const data = scores.data as Float32Array;
  return Array.from({ length: count }, (_, line) => {
    let text = "";
    let before = 0;
    for (let column = 0; column < columns; column++) {
      const start = (line * columns + column) * classes;
      let best = 0;
      for (let at = 1; at < classes; at++) if (data[start + at]! > data[start + best]!) best = at;
      // Class 0 is the blank; one behind the characters is the space.
      if (best !== 0 && best !== before) text += characters[best - 1] ?? " ";
      before = best;
    }
    return text.trim();
  });
}
