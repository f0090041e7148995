/**
 * Goal: what the examples compute around their models is right on its own. Method: shapes and sounds whose answer is known, at random sizes and angles;
 * each comparison is shown to see a fault.
 */
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { componentsOf } from "../../examples/ocr/components.ts";
import { detectorInput, linesOf } from "../../examples/ocr/detect.ts";
import { grown, minAreaBox } from "../../examples/ocr/min-area-box.ts";
import { type Picture, type Point, readPng, sample } from "../../examples/ocr/picture.ts";
import { batchOf, beginningsOf, cutOut, textsOf, upright } from "../../examples/ocr/recognise.ts";
import { phrasesOf } from "../../examples/speech/phrases.ts";
import { readTokens, textOf } from "../../examples/speech/tokens.ts";
import { readWav, resampled } from "../../examples/speech/wav.ts";
import { seededPrng } from "../../src/base/prng.ts";

const random = seededPrng(7);
const between = (low: number, high: number): number => low + random.nextFloat() * (high - low);

describe("boxes around text", () => {
  it("finds the rectangle that points were drawn in, at any angle", () => {
    for (let round = 0; round < 200; round++) {
      const [width, height, angle] = [between(40, 200), between(8, 30), between(-0.6, 0.6)];
      const center = { x: between(100, 400), y: between(100, 400) };
      const box = minAreaBox(rectangle(center, { width, height, angle }));
      // A pixel counts as 1 wide, so what pixels span is 1 less than what they cover.
      expect(box.width).toBeCloseTo(width + 1, 6);
      expect(box.height).toBeCloseTo(height + 1, 6);
      expect(box.center.x).toBeCloseTo(center.x, 6);
      expect(Math.atan2(box.along.y, box.along.x)).toBeCloseTo(angle, 6);
      const twice = grown(box, 1.5);
      expect(twice.width * twice.height).toBeGreaterThan(box.width * box.height);
    }
    // The comparison can fail: points of another angle give another box.
    const other = minAreaBox(rectangle({ x: 200, y: 200 }, { width: 100, height: 20, angle: 0.3 }));
    expect(Math.atan2(other.along.y, other.along.x)).not.toBeCloseTo(0.2, 6);
  });

  it("reads a column of text downwards", () => {
    const box = minAreaBox(rectangle({ x: 100, y: 100 }, { width: 12, height: 90, angle: 0 }));
    expect([box.width, box.height]).toEqual([91, 13]);
    expect(box.along.y).toBeCloseTo(1, 9);
  });

  it("takes what touches, at a corner too, as one", () => {
    const map = ["##...", "..#..", "....#", "#...#"].join("").replaceAll("\n", "");
    const found = componentsOf(
      Float32Array.from(map, (cell) => (cell === "#" ? 1 : 0)),
      { width: 5, height: 4, threshold: 0.5 },
    );
    expect(found.map((edge) => edge.length)).toEqual([3, 2, 1]);
  });
});

describe("lines of text", () => {
  /** 200 x 100, each pixel's red its column and its green its row. */
  const ramp: Picture = {
    width: 200,
    height: 100,
    rgb: Uint8Array.from({ length: 60_000 }, (_, at) => [Math.floor(at / 3) % 200, Math.floor(at / 600), 0][at % 3]!),
  };
  const box = { center: { x: 99.5, y: 49.5 }, width: 96, height: 48, along: { x: 1, y: 0 }, across: { x: 0, y: 1 } };

  it("gives the detector blue first, with sides that 32 divides", () => {
    const { dims, data } = detectorInput(ramp);
    expect(dims).toEqual([1, 3, 96, 192]);
    expect(data[0]).toBe(-1);
    // Red, the last plane, grows from left to right.
    expect(data[2 * 96 * 192]!).toBeLessThan(data[2 * 96 * 192 + 191]!);
  });

  it("finds lines of a map in reading order, and drops specks and doubt", () => {
    const map = new Float32Array(64 * 64);
    const fill = (left: number, top: number, { wide, high, heat }: { wide: number; high: number; heat: number }): void => {
      for (let y = top; y < top + high; y++) map.fill(heat, y * 64 + left, y * 64 + left + wide);
    };
    fill(40, 9, { wide: 20, high: 6, heat: 0.9 });
    fill(4, 10, { wide: 30, high: 6, heat: 0.9 });
    fill(4, 30, { wide: 30, high: 6, heat: 0.9 });
    fill(4, 45, { wide: 30, high: 6, heat: 0.4 });
    fill(50, 50, { wide: 2, high: 2, heat: 0.9 });
    const found = linesOf({ type: "f32", dims: [1, 1, 64, 64], data: map }, { width: 128, height: 128, rgb: new Uint8Array(0) });
    expect(found.map(({ center }) => [Math.round(center.x), Math.round(center.y)])).toEqual([
      [38, 26],
      [100, 24],
      [38, 66],
    ]);
    expect(found[0]!.width).toBeGreaterThan(60);
  });

  it("cuts a line out as it lies in the picture, on its side and on its head", () => {
    const line = cutOut(ramp, box);
    expect(line.width).toBe(96);
    // Red of the first column and the last, in bytes.
    const red = (values: Float32Array, column: number): number => (values[2 * 48 * 96 + column]! + 1) * 127.5;
    expect(red(line.values, 0)).toBeCloseTo(52, 3);
    expect(red(line.values, 95)).toBeCloseTo(147, 3);
    const turned = cutOut(ramp, { ...box, along: { x: -1, y: 0 }, across: { x: 0, y: -1 } });
    expect(red(turned.values, 0)).toBeCloseTo(147, 3);
    const scores = { type: "f32" as const, dims: [2, 2], data: Float32Array.from([0.99, 0.01, 0.05, 0.95]) };
    const [same, back] = upright([line, turned], scores);
    expect(same).toBe(line);
    expect(Math.max(...back!.values.map((value, at) => Math.abs(value - line.values[at]!)))).toBeLessThan(1e-6);
  });

  it("puts lines of unlike width into one tensor", () => {
    const narrow = cutOut(ramp, { ...box, width: 48 });
    const { dims, data } = batchOf([cutOut(ramp, box), narrow]);
    expect(dims).toEqual([2, 3, 48, 96]);
    const second = 3 * 48 * 96;
    expect([data[second + 47], data[second + 48]]).toEqual([narrow.values[47], 0]);
    expect(beginningsOf([narrow]).dims).toEqual([1, 3, 48, 192]);
  });

  it("reads columns: repetitions are one, a blank parts them", () => {
    const classes = [1, 1, 0, 1, 2, 3, 3, 0];
    const data = Float32Array.from({ length: 32 }, (_, at) => (classes[Math.floor(at / 4)] === at % 4 ? 0.9 : 0.05));
    expect(textsOf({ type: "f32", dims: [1, 8, 4], data }, ["a", "b"])).toEqual(["aab"]);
    expect(textsOf({ type: "f32", dims: [1, 8, 4], data }, ["a", "b", "c"])).toEqual(["aabc"]);
  });
});

describe("pictures and recordings", () => {
  it("reads a PNG, and colours between its pixels", () => {
    const png = new PNG({ width: 2, height: 1 });
    png.data.set([255, 0, 10, 255, 0, 100, 20, 255]);
    const picture = readPng(PNG.sync.write(png));
    expect([...picture.rgb]).toEqual([255, 0, 10, 0, 100, 20]);
    expect(sample(picture, { x: 0.25, y: 0 }, 0)).toBeCloseTo(191.25, 6);
    expect(sample(picture, { x: 9, y: 5 }, 1)).toBe(100);
  });

  it("reads a recording of two channels, and keeps a tone when it lowers the rate", () => {
    const tone = Float32Array.from({ length: 48_000 }, (_, at) => 0.5 * Math.sin((2 * Math.PI * 440 * at) / 48_000));
    const sound = readWav(wav([tone, tone], 48_000));
    expect(sound.rate).toBe(48_000);
    expect(Math.max(...sound.samples.map((value, at) => Math.abs(value - tone[at]!)))).toBeLessThan(1 / 32_000);
    const lower = resampled(sound, 16_000);
    expect(lower.samples.length).toBe(16_000);
    // The middle of the three samples that became one.
    expect(Math.max(...lower.samples.map((value, at) => Math.abs(value - tone[at * 3 + 1]!)))).toBeLessThan(0.001);
    expect(() => readWav(new Uint8Array(64))).toThrow("no WAVE file");
  });

  it("cuts in the pauses and drops what is silent", () => {
    const rate = 1000;
    const loud = (from: number, to: number, at: number): boolean => at >= from * rate && at < to * rate;
    const samples = Float32Array.from({ length: 16 * rate }, (_, at) =>
      loud(0, 5.5, at) || loud(6, 11, at) ? Math.sin(at) : 0.001 * Math.sin(at),
    );
    const phrases = phrasesOf({ samples, rate });
    expect(phrases.length).toBe(2);
    expect(phrases[0]!.length / rate).toBeGreaterThan(5.5);
    expect(phrases[0]!.length / rate).toBeLessThan(6);
  });

  it("reads tokens with lengths of one and two bytes", () => {
    const long = new Uint8Array(300).fill(0x61);
    const table = Uint8Array.from([0, 4, 0xe2, 0x96, 0x81, 0x62, 128 + (300 % 128), Math.floor(300 / 128), ...long]);
    const tokens = readTokens(table);
    expect(tokens.map((token) => token.length)).toEqual([0, 4, 300]);
    expect(textOf([1, 2], tokens)).toBe(` b${"a".repeat(300)}`);
  });
});

function rectangle(
  center: Point,
  { width, height, angle }: { readonly width: number; readonly height: number; readonly angle: number },
): Point[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const corner = (u: number, v: number): Point => ({ x: center.x + u * cos - v * sin, y: center.y + u * sin + v * cos });
  const inside = Array.from({ length: 20 }, () => corner(between(-width, width) / 2, between(-height, height) / 2));
  return [
    corner(-width / 2, -height / 2),
    ...inside,
    corner(width / 2, -height / 2),
    corner(width / 2, height / 2),
    corner(-width / 2, height / 2),
  ];
}

/** A WAVE file of 16-bit samples, with a chunk of another kind before them. */
function wav(channels: readonly Float32Array[], rate: number): Uint8Array {
  const count = channels[0]!.length * channels.length;
  const view = new DataView(new ArrayBuffer(56 + 2 * count));
  const text = (at: number, value: string): void => {
    for (let i = 0; i < value.length; i++) view.setUint8(at + i, value.charCodeAt(i));
  };
  text(0, "RIFF");
  text(8, "WAVE");
  text(12, "LIST");
  view.setUint32(16, 3, true);
  text(24, "fmt ");
  view.setUint32(28, 16, true);
  view.setUint16(34, channels.length, true);
  view.setUint32(36, rate, true);
  view.setUint16(46, 16, true);
  text(48, "data");
  view.setUint32(52, 2 * count, true);
  for (let i = 0; i < count; i++) {
    const value = channels[i % channels.length]![Math.floor(i / channels.length)]!;
    view.setInt16(56 + 2 * i, Math.round(value * 32_767), true);
  }
  return new Uint8Array(view.buffer);
}
