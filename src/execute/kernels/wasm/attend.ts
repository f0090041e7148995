/** Attention of one row and one head of keys and values, over the pages of the row's sequence; and what a row adds to them. */
import { exponential } from "./exponential";
import { SCORES_ROOM, STEP_PAGES, STEP_PAGES_STRIDE, STEP_POSITIONS, THREAD_ROOM, THREAD_ROOM_STRIDE } from "../kernel-control";
import { keepKey, keepQuery, keepValue } from "./kept";
import { PAGE_TOKENS } from "./layout";
import { quantiseBlock, rowBytes } from "./quantise";
import { scoresOfPage } from "./scores";
import { weighPage } from "./weigh";

/** Copies a head to `to`, its RMS norm taken where there is a weight, turned by the row's position, times `scale`. */
function turned(from: usize, to: usize, width: i32, norm: usize, epsilon: f32, cosines: usize, sines: usize, interleaved: bool, scale: f32): void {
  let factor: f32 = 1;
  if (norm != 0) {
    let squares: f32 = 0;
    for (let i: usize = 0; i < <usize>(width << 2); i += 4) squares += load<f32>(from + i) * load<f32>(from + i);
    factor = <f32>1 / sqrt<f32>(squares / <f32>width + epsilon);
  }
  const pairs = width >> 1;
  for (let pair = 0; pair < pairs; pair++) {
    const i = <usize>((interleaved ? pair << 1 : pair) << 2);
    const j = <usize>((interleaved ? (pair << 1) + 1 : pair + pairs) << 2);
    let x = load<f32>(from + i) * factor;
    let y = load<f32>(from + j) * factor;
    if (norm != 0) {
      x *= load<f32>(norm + i);
      y *= load<f32>(norm + j);
    }
    const c = load<f32>(cosines + <usize>(pair << 2));
    const s = load<f32>(sines + <usize>(pair << 2));
    store<f32>(to + i, (x * c - y * s) * scale);
    store<f32>(to + j, (x * s + y * c) * scale);
  }
}

/** Scores so far below the largest count as this far below: their shares, and these times values, stay normal numbers, which cores take at full speed. */
const LOWEST: f32 = -60;

/** e^(score - largest) over a head's scores; the rest of the last four become zero. Gives 1 / their sum. */
function softmax(scores: usize, tokens: i32): f32 {
  const end = scores + <usize>(tokens << 2);
  const padded = scores + <usize>(((tokens + 3) & ~3) << 2);
  for (let at = end; at < padded; at += 4) store<f32>(at, -Infinity);
  let top = v128.load(scores);
  for (let at = scores + 16; at < padded; at += 16) top = f32x4.pmax(top, v128.load(at));
  const largest = f32x4.splat(
    max(max(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)), max(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3))),
  );
  let sum = f32x4.splat(0);
  for (let at = scores; at < padded; at += 16) {
    const value = exponential(f32x4.pmax(f32x4.splat(LOWEST), f32x4.sub(v128.load(at), largest)));
    v128.store(at, value);
    sum = f32x4.add(sum, value);
  }
  // Of a lane that is no token, e^-60: too little to change a sum of at least 1.
  return <f32>1 / (f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1) + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3)));
}

/** Turns a row's key of one head by its position and writes it and the value behind those of its sequence. `room`: a head in f32. */
function append(record: usize, row: i32, kvHead: i32, room: usize): void {
  const kvHeads = load<i32>(record, 32);
  const width = load<i32>(record, 36);
  const size = <usize>(width << 2);
  const position = load<i32>(load<usize>(STEP_POSITIONS) + <usize>(row << 2));
  const pages = load<usize>(STEP_PAGES) + <usize>row * load<usize>(STEP_PAGES_STRIDE);
  const turns = <usize>position * <usize>(width << 1);
  const columns = (width + 7) & ~7;
  const valueSize = <usize>(columns << 1);
  const keyBytes = <usize>(columns + 4) * PAGE_TOKENS, valueBytes = valueSize * PAGE_TOKENS;
  const page = load<usize>(pages + <usize>((position / PAGE_TOKENS) << 2)) * kvHeads + <usize>kvHead;
  const place = <usize>(position % PAGE_TOKENS);
  const from = load<usize>(record, 8) + <usize>row * load<usize>(record, 12) + <usize>(load<i32>(record, 28) + kvHead) * size;
  memory.fill(room, 0, valueSize << 1);
  turned(from, room, width, load<usize>(record, 56), load<f32>(record, 60), load<usize>(record, 44) + turns, load<usize>(record, 48) + turns, load<i32>(record, 40) != 0, 1);
  const key = load<usize>(record, 16) + page * keyBytes;
  store<f32>(key + <usize>columns * PAGE_TOKENS + (place << 2), keepKey(room, key + place * <usize>columns, columns));
  memory.copy(room, from + <usize>kvHeads * size, size);
  keepValue(room, load<usize>(record, 20) + page * valueBytes + place * valueSize, columns);
}

/** Keys and values of rows that other rows of the step attend to. The record is that of the attention behind it; chunks are those of `attend`. */
export function keep(record: usize, chunk: i32, thread: i32): void {
  const kvHeads = load<i32>(record, 32);
  append(record, chunk / kvHeads, chunk % kvHeads, load<usize>(THREAD_ROOM) + <usize>thread * load<usize>(THREAD_ROOM_STRIDE));
}

/** The record's words are in `kernel-program.ts`. Chunks: rows times heads of keys and values. */
export function attend(record: usize, chunk: i32, thread: i32): void {
  const kvHeads = load<i32>(record, 32);
  const row = chunk / kvHeads;
  const kvHead = chunk % kvHeads;
  const heads = load<i32>(record, 28) / kvHeads;
  const width = load<i32>(record, 36);
  const size = <usize>(width << 2);
  const interleaved = load<i32>(record, 40) != 0;
  const position = load<i32>(load<usize>(STEP_POSITIONS) + <usize>(row << 2));
  const pages = load<usize>(STEP_PAGES) + <usize>row * load<usize>(STEP_PAGES_STRIDE);
  const pairBytes = <usize>(width << 1);
  const cosines = load<usize>(record, 44) + <usize>position * pairBytes;
  const sines = load<usize>(record, 48) + <usize>position * pairBytes;
  const queryNorm = load<usize>(record, 52);
  const epsilon = load<f32>(record, 60);
  const given = load<usize>(record, 8) + <usize>row * load<usize>(record, 12);
  const queryHeads = heads * kvHeads;
  const columns = (width + 7) & ~7;
  const valueSize = <usize>(columns << 1), floats = valueSize << 1;
  const keyBytes = <usize>(columns + 4) * PAGE_TOKENS, valueBytes = valueSize * PAGE_TOKENS;
  const keys = load<usize>(record, 16) + <usize>kvHead * keyBytes;
  const values = load<usize>(record, 20) + <usize>kvHead * valueBytes;
  const keyPage = keyBytes * kvHeads, valuePage = valueBytes * kvHeads;
  const keyScales = <usize>columns * PAGE_TOKENS;

  // A thread's room: queries; their scales; sums of values, in f32; 1 / the sum of each head's shares; scores.
  const queries = load<usize>(THREAD_ROOM) + <usize>thread * load<usize>(THREAD_ROOM_STRIDE);
  const queryScales = queries + <usize>heads * valueSize;
  const sums = queryScales + <usize>(((heads + 3) & ~3) << 2);
  const factors = sums + <usize>heads * floats;
  const apart = load<usize>(SCORES_ROOM) << 2;
  const scores = factors + <usize>(((heads + 3) & ~3) << 2);
  const scale: f32 = <f32>1 / sqrt<f32>(<f32>width);
  memory.fill(sums, 0, <usize>heads * floats);
  for (let head = 0; head < heads; head++) {
    const from = given + <usize>(kvHead * heads + head) * size;
    turned(from, sums, width, queryNorm, epsilon, cosines, sines, interleaved, scale);
    store<f32>(queryScales + <usize>(head << 2), keepQuery(sums, queries + <usize>head * valueSize, columns));
  }
  if (load<i32>(record, 68) == 0) append(record, row, kvHead, sums);
  memory.fill(sums, 0, floats);

  const tokens = position + 1;
  let fetched: i32 = 0;
  for (let at = 0; at < tokens; at += PAGE_TOKENS) {
    const number = pages + <usize>((at / PAGE_TOKENS) << 2);
    const page = keys + load<usize>(number) * keyPage;
    const next = at + PAGE_TOKENS < tokens ? keys + load<usize>(number, 4) * keyPage : page;
    const later = values + load<usize>(number) * valuePage;
    const end = min(tokens - at, PAGE_TOKENS);
    fetched |= scoresOfPage(queries, queryScales, page, page + keyScales, columns, heads, end, scores + <usize>(at << 2), apart, next, later);
  }
  // Loads that nothing depends on would be dropped; the factors themselves follow.
  store<i32>(factors, fetched);
  for (let head = 0; head < heads; head++) store<f32>(factors + <usize>(head << 2), softmax(scores + <usize>head * apart, tokens));
  for (let at = 0; at < tokens; at += PAGE_TOKENS) {
    const page = values + load<usize>(pages + <usize>((at / PAGE_TOKENS) << 2)) * valuePage;
    weighPage(scores + <usize>(at << 2), apart, page, valueSize, heads, min(tokens - at, PAGE_TOKENS), sums);
  }
  const mixed = load<usize>(record, 64) + <usize>(row * queryHeads + kvHead * heads) * size;
  for (let head = 0; head < heads; head++) {
    const factor = v128.load32_splat(factors + <usize>(head << 2));
    const from = sums + <usize>head * floats, to = mixed + <usize>head * size;
    for (let i: usize = 0; i < size; i += 16) v128.store(to + i, f32x4.mul(v128.load(from + i), factor));
  }
  const activations = load<usize>(record, 24);
  if (activations == 0) return;
  const rowSize = rowBytes(queryHeads * width);
  const first = (kvHead * heads * width) >> 5;
  for (let block = first; block < first + ((heads * width) >> 5); block++) {
    quantiseBlock(mixed + <usize>((block - first) << 7), activations + <usize>row * rowSize, block);
  }
}
