import { constant, symbol } from "../../ir/expression.ts";
import { BATCH, type TensorId, TOKENS } from "../../ir/graph.ts";
import { ENCODED } from "../sizes.ts";
import type { AudioStem, PatchStem, Stem, TileStem, TokenStem } from "../stem.ts";
import { elementwise, norm } from "./products.ts";
import { operate, perPosition, type Site, weight } from "./site.ts";

export interface Entry {
  readonly stream: TensorId;
  /** Table of input embeddings. */
  readonly table?: TensorId;
  /** What a caller gives. */
  readonly input: TensorId;
}

export interface StemPlace {
  readonly width: number;
  /** Output of the encoder before. */
  readonly memory: TensorId | undefined;
}

/** The part of a stack before its layers. */
export function buildStem(site: Site, stem: Stem, place: StemPlace): Entry {
  switch (stem.kind) {
    case "tokens":
      return tokens(site, stem, place);
    case "patches":
      return patches(site, stem, place.width);
    case "tiles":
      return tiles(site, stem, place.width);
    case "audio":
      return audio(site, stem, place.width);
  }
}

function tokens(site: Site, stem: TokenStem, { width, memory }: StemPlace): Entry {
  const input = site.graph.tensor({ name: `${site.scope}.ids`, type: "i64", shape: [symbol(BATCH), symbol(TOKENS)], origin: "input" });
  const table = weight(site, "tokens", [stem.vocabulary, width]);
  const lookUp = (name: string, from: TensorId): TensorId =>
    operate(site, "Gather", { name, inputs: [from, input], shape: perPosition(site, width) });
  const rows = [lookUp("token-rows", table)];
  if (stem.positions > 0) rows.push(lookUp("position-rows", weight(site, "positions", [stem.positions, width])));
  if (stem.segments > 0) rows.push(lookUp("segment-rows", weight(site, "segments", [stem.segments, width])));
  let stream = rows.length === 1 ? rows[0]! : elementwise(site, "Add", "sum", rows, width);
  if (stem.merges && memory !== undefined) stream = elementwise(site, "Merge", "merge", [stream, memory], width);
  if (stem.norm) stream = norm(site, "norm", stream, { columns: width });
  return { stream, table, input };
}

function patches(site: Site, stem: PatchStem, width: number): Entry {
  const count = constant(stem.patches);
  const shape = [symbol(ENCODED), count, constant(stem.patchElements)];
  const input = site.graph.tensor({ name: `${site.scope}.patches`, type: site.type, shape, origin: "input" });
  const weights = [weight(site, "product", [width, stem.patchElements])];
  if (stem.bias) weights.push(weight(site, "product-bias", [width]));
  const made = operate(site, "Linear", { name: "product", inputs: [input, ...weights], shape: [symbol(ENCODED), count, constant(width)] });
  const added = stem.classToken ? [weight(site, "class", [width])] : [];
  const rows = stem.positions ?? stem.patches + added.length;
  if (rows > 0) added.push(weight(site, "positions", [rows, width]));
  let stream = added.length === 0 ? made : elementwise(site, "Add", "sum", [made, ...added], width);
  if (stem.norm) stream = norm(site, "norm", stream, { columns: width });
  return { stream, input };
}

/** Patches, a class vector a tile, and gated tables: of tiles before and behind the layers, of positions, and of positions in tiles. */
function tiles(site: Site, stem: TileStem, width: number): Entry {
  const count = constant(stem.tiles * stem.patches);
  const shape = [symbol(ENCODED), count, constant(stem.patchElements)];
  const input = site.graph.tensor({ name: `${site.scope}.patches`, type: site.type, shape, origin: "input" });
  const product = weight(site, "product", [width, stem.patchElements]);
  const made = operate(site, "Linear", { name: "product", inputs: [input, product], shape: [symbol(ENCODED), count, constant(width)] });
  const positions = stem.patches + 1;
  const rows = stem.shapes + 1;
  const added = [
    weight(site, "class", [width]),
    weight(site, "tiles-before", [rows, stem.tiles * width]),
    weight(site, "tiles-before-gate", [1]),
    weight(site, "tiles-behind", [rows, stem.tiles * width]),
    weight(site, "tiles-behind-gate", [1]),
    weight(site, "positions", [positions, width]),
    weight(site, "tile-positions", [rows, stem.tiles * positions * width]),
    weight(site, "positions-gate", [1]),
  ];
  const stream = elementwise(site, "Add", "sum", [made, ...added], width);
  return { stream: norm(site, "norm", stream, { columns: width }), input };
}

/** Elements of a Whisper convolution's window, and how far apart the second one's windows lie. */
const KERNEL = 3;
const STRIDE = 2;

function audio(site: Site, stem: AudioStem, width: number): Entry {
  const frames = constant(stem.positions * STRIDE);
  const items = symbol(ENCODED);
  const shape = [items, frames, constant(stem.mels)];
  const input = site.graph.tensor({ name: `${site.scope}.mels`, type: site.type, shape, origin: "input" });
  const convolve = (name: string, x: TensorId, channels: number, length: typeof frames): TensorId =>
    operate(site, "Convolution", {
      name,
      inputs: [x, weight(site, name, [width, channels, KERNEL]), weight(site, `${name}-bias`, [width])],
      shape: [items, length, constant(width)],
      attributes: { kernel: KERNEL, channels },
    });
  const first = convolve("convolution-1", input, stem.mels, frames);
  const second = convolve("convolution-2", first, width, constant(stem.positions));
  const positions = weight(site, "positions", [stem.positions, width]);
  return { stream: elementwise(site, "Add", "sum", [second, positions], width), input };
}
