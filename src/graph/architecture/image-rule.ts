/**
 * How a model makes tokens of an image. `native`: resized to a multiple of `patchSide` x `merge` either way, near its own size; `fixed`: to one square;
 * `tiles`: to as many squares as its shape asks for, each encoded alone. Marks around an image are text.
 */
export type ImageRule =
  | {
      readonly kind: "native";
      /** Pixels of a patch's side, and patches of a token's side. */
      readonly patchSide: number;
      readonly merge: number;
      /** What the preprocessor keeps the area within. Units: pixels. */
      readonly pixelsMin: number;
      readonly pixelsMax: number;
      /** Patches of the side of the squares that attention in some layers stays within; 0: none does. */
      readonly squareSide: number;
    }
  | { readonly kind: "fixed"; readonly patches: number; readonly tokens: number }
  | TileRule;

/** An image is cut into squares side by side. */
export interface TileRule {
  readonly kind: "tiles";
  /** Pixels of a tile's side. */
  readonly side: number;
  /** Of a tile; vectors that stand beside its patches included. */
  readonly patches: number;
  readonly tokens: number;
  /** Tiles of an image, without the one of the whole that stands behind several. */
  readonly tilesMin: number;
  readonly tilesMax: number;
  readonly thumbnail: boolean;
  /**
   * How tiles are laid out: `ratio`, in rows and columns of the image's shape; `canvas`, so that the image is shrunk as little as can be, enlarged as little where it
   * need not be, on as few tiles.
   */
  readonly fit: "ratio" | "canvas";
}

/** What an encoder computes of one image. */
export interface ImageWork {
  readonly patches: number;
  /** Squares of patches, those cut short at the edges included; tiles; 1 where no layer has any. */
  readonly squares: number;
  /** Tokens that stand in the prompt. */
  readonly tokens: number;
}

/** Largest side that is read. Units: pixels. */
export const IMAGE_SIDE_MAX = 100_000;

/**
 * Patches and tokens of an image. Units: pixels.
 *
 * Source: `smart_resize` of transformers `models/qwen2_vl/image_processing_qwen2_vl.py` (halves are rounded to even, as Python does); squares as in
 * `get_window_index` of `models/qwen2_5_vl/modeling_qwen2_5_vl.py`.
 */
export function imageWork(rule: ImageRule, width: number, height: number): ImageWork {
  if (rule.kind === "fixed") return { patches: rule.patches, squares: 1, tokens: rule.tokens };
  if (rule.kind === "tiles") {
    const tiles = withWhole(rule, rule.fit === "ratio" ? tilesByRatio(rule, width, height) : tilesOfCanvas(rule, width, height));
    return { patches: tiles * rule.patches, squares: tiles, tokens: tiles * rule.tokens };
  }
  const { patchSide, merge, pixelsMin, pixelsMax, squareSide } = rule;
  const side = patchSide * merge;
  let columns = Math.max(1, halfToEven(width / side));
  let rows = Math.max(1, halfToEven(height / side));
  const area = columns * rows * side * side;
  if (area > pixelsMax) {
    const shrink = Math.sqrt((width * height) / pixelsMax);
    columns = Math.max(1, Math.floor(width / shrink / side));
    rows = Math.max(1, Math.floor(height / shrink / side));
  } else if (area < pixelsMin) {
    const grow = Math.sqrt(pixelsMin / (width * height));
    columns = Math.ceil((width * grow) / side);
    rows = Math.ceil((height * grow) / side);
  }
  const tokens = columns * rows;
  const square = squareSide / merge;
  const squares = squareSide === 0 ? 1 : Math.ceil(columns / square) * Math.ceil(rows / square);
  return { patches: tokens * merge * merge, squares, tokens };
}

/** Most tokens an image may take. */
export function imageTokensMax(rule: ImageRule): number {
  if (rule.kind === "fixed") return rule.tokens;
  if (rule.kind === "tiles") return rule.tokens * withWhole(rule, rule.tilesMax);
  const side = rule.patchSide * rule.merge;
  return Math.floor(rule.pixelsMax / (side * side));
}

/**
 * Tiles of an image: rows and columns whose ratio is nearest to the image's; of equal ratios the larger one where the image fills more than half of it.
 *
 * Source: `calculate_internvl_targets` and `find_closest_aspect_ratio` of vllm/transformers_utils/processors/internvl.py, vLLM 0.33.0.
 */
function tilesByRatio({ tilesMin, tilesMax, side }: TileRule, width: number, height: number): number {
  const ratio = width / height;
  let best = { tiles: 1, distance: Number.POSITIVE_INFINITY };
  for (let tiles = tilesMin; tiles <= tilesMax; tiles++) {
    for (let columns = 1; columns <= tiles; columns++) {
      if (tiles % columns !== 0) continue;
      const distance = Math.abs(ratio - columns / (tiles / columns));
      const nearer = distance < best.distance || (distance === best.distance && width * height > (side * side * tiles) / 2);
      if (nearer) best = { tiles, distance };
    }
  }
  return best.tiles;
}

/**
 * Tiles of the canvas on which an image of this size needs the least change. Ties in 32-bit quotients, as there.
 *
 * Source: `find_supported_resolutions` and `get_best_fit` of transformers `models/llama4/image_processing_llama4_fast.py` (0331fb3).
 */
function tilesOfCanvas({ tilesMin, tilesMax, side }: TileRule, width: number, height: number): number {
  let best = { tiles: 0, scale: 0 };
  for (let tiles = tilesMin; tiles <= tilesMax; tiles++) {
    for (let columns = 1; columns <= tiles; columns++) {
      if (tiles % columns !== 0) continue;
      const scale = Math.min(Math.fround((columns * side) / width), Math.fround(((tiles / columns) * side) / height));
      const enlarged = scale >= 1;
      const nearer = best.scale >= 1 ? enlarged && scale < best.scale : scale > best.scale;
      if (best.tiles === 0 || nearer) best = { tiles, scale };
    }
  }
  return best.tiles;
}

function withWhole({ thumbnail }: TileRule, tiles: number): number {
  return thumbnail && tiles > 1 ? tiles + 1 : tiles;
}

function halfToEven(value: number): number {
  const whole = Math.floor(value);
  if (value - whole !== 0.5) return Math.round(value);
  return whole % 2 === 0 ? whole : whole + 1;
}
