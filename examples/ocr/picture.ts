import { PNG } from "pngjs";

/** A picture: three bytes a pixel, red first, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** A point of a picture, in pixels from its upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export function readPng(bytes: Uint8Array): Picture {
  const { width, height, data } = PNG.sync.read(Buffer.from(bytes));
  const rgb = new Uint8Array(width * height * 3);
  for (let at = 0; at < width * height; at++) rgb.set(data.subarray(at * 4, at * 4 + 3), at * 3);
  return { width, height, rgb };
}

/** One colour between pixels, bilinear; outside the picture its edge goes on. */
export function sample(picture: Picture, { x, y }: Point, channel: number): number {
  const { width, height, rgb } = picture;
  const left = Math.min(Math.max(x, 0), width - 1);
  const top = Math.min(Math.max(y, 0), height - 1);
  const x0 = Math.floor(left);
  const y0 = Math.floor(top);
  const x1 = Math.min(x0 + 1, width - 1);
  const y1 = Math.min(y0 + 1, height - 1);
  const at = (px: number, py: number): number => rgb[(py * width + px) * 3 + channel]!;
  const upper = at(x0, y0) * (x0 + 1 - left) + at(x1, y0) * (left - x0);
  const lower = at(x0, y1) * (x0 + 1 - left) + at(x1, y1) * (left - x0);
  return upper * (y0 + 1 - top) + lower * (top - y0);
}
