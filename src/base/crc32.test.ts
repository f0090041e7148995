// Goal: the checksum is the usual CRC-32. Method: the published check value, and single flipped bits.
import { expect, test } from "vitest";
import { crc32 } from "./crc32.ts";

test("check value and empty input", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array())).toBe(0);
});

test("every flipped bit changes it", () => {
  const bytes = new TextEncoder().encode("a frame of a ledger");
  const before = crc32(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    expect(crc32(bytes)).not.toBe(before);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
});
