/** Writers of every weight format, for test models: plain rounding, no search for better scales. */
import type { WeightFormat } from "../../src/graph/decoder/weights.ts";

/** Bytes of `values` in a format; blocks of the format must divide its length. */
export function quantise(values: Float32Array, format: WeightFormat): Uint8Array {
  switch (format) {
    case "F32":
      return new Uint8Array(values.slice().buffer);
    case "F16":
      return new Uint8Array(Uint16Array.from(values, floatToHalf).buffer);
    case "BF16":
      return new Uint8Array(Uint16Array.from(new Uint32Array(values.slice().buffer), roundToBf16).buffer);
    case "Q4_0":
      return blocks(values, { elements: 32, bytes: 18 }, writeQ40);
    case "Q4_1":
      return blocks(values, { elements: 32, bytes: 20 }, writeQ41);
    case "Q8_0":
      return blocks(values, { elements: 32, bytes: 34 }, writeQ80);
    case "Q4_K":
      return blocks(values, { elements: 256, bytes: 144 }, writeQ4K);
    case "Q6_K":
      return blocks(values, { elements: 256, bytes: 210 }, writeQ6K);
  }
}

export function floatToHalf(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer)[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = Math.abs(Math.fround(value));
  if (Number.isNaN(value)) return sign | 0x7e00;
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24);
  const exponent = ((bits >>> 23) & 0xff) - 127;
  return sign | (((exponent + 15) << 10) + roundEven((magnitude / 2 ** exponent - 1) * 1024));
}

function roundEven(value: number): number {
  const down = Math.floor(value);
  const rest = value - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 === 1) ? down + 1 : down;
}

function roundToBf16(bits: number): number {
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

type BlockWriter = (block: Float32Array, out: Uint8Array) => void;

function blocks(values: Float32Array, size: { elements: number; bytes: number }, write: BlockWriter): Uint8Array {
  if (values.length % size.elements !== 0) throw new RangeError(`${values.length} values are not whole blocks of ${size.elements}`);
  const out = new Uint8Array((values.length / size.elements) * size.bytes);
  for (let from = 0, to = 0; from < values.length; from += size.elements, to += size.bytes) {
    write(values.subarray(from, from + size.elements), out.subarray(to, to + size.bytes));
  }
  return out;
}

function putHalf(out: Uint8Array, at: number, value: number): number {
  const half = floatToHalf(value);
  out[at] = half & 255;
  out[at + 1] = half >>> 8;
  return value;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, Math.round(value)));
}

function putNibbles(out: Uint8Array, at: number, quants: (i: number) => number): void {
  for (let i = 0; i < 16; i++) out[at + i] = quants(i) | (quants(i + 16) << 4);
}

function writeQ40(block: Float32Array, out: Uint8Array): void {
  const extreme = block.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  const d = putHalf(out, 0, extreme / -8);
  putNibbles(out, 2, (i) => (d === 0 ? 8 : clamp(block[i]! / d + 8, 0, 15)));
}

function writeQ41(block: Float32Array, out: Uint8Array): void {
  const low = Math.min(...block);
  const d = putHalf(out, 0, (Math.max(...block) - low) / 15);
  putHalf(out, 2, low);
  putNibbles(out, 4, (i) => (d === 0 ? 0 : clamp((block[i]! - low) / d, 0, 15)));
}

function writeQ80(block: Float32Array, out: Uint8Array): void {
  const d = putHalf(out, 0, Math.max(...block.map(Math.abs)) / 127);
  block.forEach((value, i) => {
    out[2 + i] = d === 0 ? 0 : clamp(value / d, -127, 127) & 255;
  });
}

function writeQ4K(block: Float32Array, out: Uint8Array): void {
  const parts = Array.from({ length: 8 }, (_unused, j) => block.subarray(32 * j, 32 * j + 32));
  const mins = parts.map((part) => Math.max(0, -Math.min(...part)));
  const steps = parts.map((part, j) => (Math.max(...part) + mins[j]!) / 15);
  const d = putHalf(out, 0, Math.max(...steps) / 63);
  const dMin = putHalf(out, 2, Math.max(...mins) / 63);
  const scales = steps.map((step) => (d === 0 ? 0 : clamp(step / d, 0, 63)));
  const offsets = mins.map((min) => (dMin === 0 ? 0 : clamp(min / dMin, 0, 63)));
  for (let j = 0; j < 4; j++) {
    out[4 + j] = scales[j]! | ((scales[j + 4]! >>> 4) << 6);
    out[8 + j] = offsets[j]! | ((offsets[j + 4]! >>> 4) << 6);
    out[12 + j] = (scales[j + 4]! & 15) | ((offsets[j + 4]! & 15) << 4);
  }
  const quant = (j: number, i: number): number => {
    const step = d * scales[j]!;
    return step === 0 ? 0 : clamp((parts[j]![i]! + dMin * offsets[j]!) / step, 0, 15);
  };
  for (let pair = 0; pair < 4; pair++) {
    for (let i = 0; i < 32; i++) out[16 + 32 * pair + i] = quant(2 * pair, i) | (quant(2 * pair + 1, i) << 4);
  }
}

function writeQ6K(block: Float32Array, out: Uint8Array): void {
  const extremes = Array.from({ length: 16 }, (_unused, j) => Math.max(...block.subarray(16 * j, 16 * j + 16).map(Math.abs)) / 31);
  const d = putHalf(out, 208, Math.max(...extremes) / 127);
  const scales = extremes.map((extreme) => (d === 0 ? 0 : clamp(extreme / d, 0, 127)));
  scales.forEach((scale, j) => {
    out[192 + j] = scale;
  });
  for (let i = 0; i < 256; i++) {
    const step = d * scales[i >>> 4]!;
    const q = step === 0 ? 32 : clamp(block[i]! / step + 32, 0, 63);
    const part = i >>> 7;
    const within = i & 127;
    out[part * 64 + (within & 63)]! |= (q & 15) << ((within >>> 6) * 4);
    out[128 + part * 32 + (within & 31)]! |= (q >>> 4) << ((within >>> 5) * 2);
  }
}
