/** Goal: no bytes from a socket break the reader of frames. Method: frames cut anywhere arrive whole; altered and drawn bytes end in a reason, or in frames. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader, frameHead, HEADER_BYTES, STRANGER_LIMITS, TRUSTED_LIMITS } from "../../src/execute/seat-wire/frame.ts";

const LIMITS = { controlBytes: 64, payloadBytes: 256 };

interface Frame {
  readonly control: readonly number[];
  readonly payload: readonly number[];
}

const frames = fc.array(
  fc.record({ control: fc.array(fc.nat(255), { maxLength: 64 }), payload: fc.array(fc.nat(255), { maxLength: 256 }) }),
  { maxLength: 8 },
);

function bytesOf(all: readonly Frame[]): Uint8Array {
  return Buffer.concat(
    all.flatMap(({ control, payload }) => [frameHead(Uint8Array.from(control), payload.length), Uint8Array.from(payload)]),
  );
}

function read(
  bytes: Uint8Array,
  cuts: readonly number[],
  limits = LIMITS,
): { readonly frames: Frame[]; readonly wrong: string | undefined } {
  const got: Frame[] = [];
  const reader = createFrameReader(limits, (control, payload) => got.push({ control: [...control], payload: [...(payload ?? [])] }));
  const edges = [0, ...cuts.map((cut) => (bytes.length === 0 ? 0 : cut % bytes.length)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < edges.length; i++) {
    const wrong = reader.push(bytes.subarray(edges[i - 1], edges[i]));
    if (wrong !== undefined) return { frames: got, wrong };
  }
  return { frames: got, wrong: undefined };
}

test("frames cut anywhere arrive whole and in order", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat(), { maxLength: 20 }), (all, cuts) => {
      expect(read(bytesOf(all), cuts)).toEqual({ frames: all, wrong: undefined });
    }),
  );
});

test("altered bytes end in a reason or in frames within the limits, never in an exception", () => {
  fc.assert(
    fc.property(frames, fc.nat(), fc.nat(255), fc.array(fc.nat(), { maxLength: 6 }), (all, at, value, cuts) => {
      const bytes = bytesOf(all).slice();
      if (bytes.length > 0) bytes[at % bytes.length] = value;
      const { frames: got, wrong } = read(bytes, cuts);
      if (wrong !== undefined) expect(wrong).toMatch(/\w{2}/);
      for (const { control, payload } of got) {
        expect(control.length).toBeLessThanOrEqual(LIMITS.controlBytes);
        expect(payload.length).toBeLessThanOrEqual(LIMITS.payloadBytes);
      }
    }),
    { numRuns: 500 },
  );
});

test("drawn bytes are no frames", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: HEADER_BYTES, maxLength: 300 }), (bytes) => {
      fc.pre(bytes[0] !== 0x68);
      expect(read(bytes, [])).toEqual({ frames: [], wrong: "what came is no frame" });
    }),
  );
});

test("a length over the limit is refused before memory is taken, and for good", () => {
  const reader = createFrameReader(STRANGER_LIMITS, () => expect.unreachable());
  const large = frameHead(new Uint8Array(0), TRUSTED_LIMITS.payloadBytes);
  expect(reader.push(large)).toContain("at most 0");
  expect(reader.push(frameHead(new Uint8Array(1), 0))).toContain("at most 0");
  const beyond = frameHead(new Uint8Array(0), 2 ** 40);
  expect(createFrameReader(TRUSTED_LIMITS, () => expect.unreachable()).push(beyond)).toContain("at most");
});
