// Goal: images are encoded when a prompt comes to them, within what an iteration encodes and what is kept, once for each content. Method: runs worked out by hand, with
// a price of 1 ms an iteration, 1 us a token and 10 us a token of an image that is encoded; books recounted after every event over many seeds; planted faults.
import { describe, expect, it } from "vitest";
import { seededPrng } from "../../base/prng.ts";
import type { IterationCost } from "../../cost/iteration/iteration-cost.ts";
import { vllmRules } from "../../policy/serving/scheduling-rules.ts";
import { generateColumns } from "../workload/generate/generate-columns.ts";
import { drawImages } from "../workload/generate/image-draw.ts";
import { auditServing } from "./audit-serving.ts";
import { runServing } from "./run-serving.ts";
import type { EncoderSettings, ReplicaSettings, RequestColumns, ServingInput } from "./serving-input.ts";

const COST: IterationCost = {
  iterationNs: ({ prefillTokens, vision }) => 1_000_000 + 1000 * prefillTokens + 10_000 * (vision?.tokens ?? 0),
  spread: 0,
  basis: "data-sheet",
  source: "test",
};
const LIMITS = { maxBatchedTokens: 64, maxSequences: 4, prefixCaching: true, chunkedPrefill: true };

interface Row {
  readonly at: number;
  readonly text: number;
  readonly output: number;
  /** Content and tokens of each. */
  readonly images?: readonly (readonly [number, number])[];
}

function requests(rows: readonly Row[]): RequestColumns {
  const start = [0];
  for (const { images = [] } of rows) start.push(start.at(-1)! + images.length);
  const all = rows.flatMap(({ images = [] }) => images);
  const tokens = Int32Array.from(all, ([, count]) => count);
  const side = new Int32Array(all.length).fill(1);
  return {
    count: rows.length,
    arrivalNs: Float64Array.from(rows, ({ at }) => at),
    promptTokens: Int32Array.from(rows, ({ text, images = [] }) => text + images.reduce((sum, [, count]) => sum + count, 0)),
    outputTokens: Int32Array.from(rows, ({ output }) => output),
    blockStart: new Int32Array(rows.length + 1),
    blockIds: new Int32Array(0),
    blockTokens: 16,
    images: {
      start: Int32Array.from(start),
      width: side,
      height: side,
      content: Int32Array.from(all, ([content]) => content),
      work: { tokens, patches: tokens.map((count) => 4 * count) },
    },
  };
}

function replica(encoder: EncoderSettings, changes: Partial<ReplicaSettings> = {}): ReplicaSettings {
  const base = { pool: 0, role: "both" as const, cost: COST, ...LIMITS, blockTokens: 16, kvBlocks: 101, overheadNs: 0, startUpNs: 0 };
  return { ...base, rules: { ...vllmRules(LIMITS), stepsAhead: 0 }, encoder, ...changes };
}

function run(rows: readonly Row[], encoder: EncoderSettings, changes: Partial<ReplicaSettings> = {}) {
  const input: ServingInput = {
    requests: requests(rows),
    replicas: [replica(encoder, changes)],
    routing: "round-robin",
    seed: 1,
    stepping: "leap",
  };
  return runServing(input);
}

const WIDE: EncoderSettings = { batchTokens: 1000, cacheTokens: 1000 };

describe("a run of one replica", () => {
  it("encodes an image with the iteration that comes to its first token, behind the text", () => {
    // 50 of text and 14 of 20 image tokens, then the other 6: encoded with the first.
    const { firstTokenNs, images } = run([{ at: 0, text: 50, output: 2, images: [[0, 20]] }], WIDE);
    expect([...firstTokenNs]).toEqual([1_064_000 + 200_000 + 1_006_000]);
    expect(images).toEqual({ encoded: 1, tokens: 20, found: 0 });
  });

  it("cuts a prompt before the image that the iteration cannot encode besides", () => {
    // 10 of text, 20 of the first image; the second waits for the next iteration.
    const rows = [
      {
        at: 0,
        text: 10,
        output: 2,
        images: [
          [0, 20],
          [1, 20],
        ] as const,
      },
    ];
    const { firstTokenNs } = run(rows, { batchTokens: 30, cacheTokens: 100 });
    expect([...firstTokenNs]).toEqual([1_030_000 + 200_000 + 1_020_000 + 200_000]);
    expect([...run(rows, WIDE).firstTokenNs]).toEqual([1_050_000 + 400_000]);
  });

  it("finds what it encoded before, while it has room", () => {
    const rows = [
      { at: 0, text: 10, output: 1, images: [[0, 20]] as const },
      { at: 2_000_000, text: 10, output: 1, images: [[1, 20]] as const },
      { at: 4_000_000, text: 10, output: 1, images: [[0, 20]] as const },
    ];
    expect(run(rows, WIDE).images).toEqual({ encoded: 2, tokens: 40, found: 1 });
    const { images, firstTokenNs } = run(rows, { batchTokens: 20, cacheTokens: 39 });
    expect(images).toEqual({ encoded: 3, tokens: 60, found: 0 });
    expect(firstTokenNs[2]).toBe(4_000_000 + 1_030_000 + 200_000);
    expect(run(rows, WIDE).firstTokenNs[2]).toBe(4_000_000 + 1_030_000);
  });

  it("makes decodes wait for the images of others", () => {
    const rows = [
      { at: 0, text: 10, output: 4 },
      { at: 1, text: 10, output: 1, images: [[0, 30]] as const },
    ];
    // Iterations end at 1.01, then 1 + 0.04 + 0.3 ms later, then twice 1 ms.
    expect(run(rows, WIDE).lastTokenNs[0]).toBe(1_010_000 + 1_340_000 + 2_000_000);
  });

  it("does not cut prompts where the engine does not; what never fits is rejected", () => {
    const whole = { rules: { ...vllmRules({ ...LIMITS, chunkedPrefill: false }), stepsAhead: 0 as const } };
    const rows = [
      {
        at: 0,
        text: 10,
        output: 2,
        images: [
          [0, 20],
          [1, 20],
        ] as const,
      },
    ];
    expect(run(rows, { batchTokens: 30, cacheTokens: 100 }, whole).rejected).toBe(1);
    expect(run(rows, { batchTokens: 40, cacheTokens: 100 }, whole).rejected).toBe(0);
  });

  it.each([
    [{ encoder: undefined }, "encodes none"],
    [{ encoder: { batchTokens: 19, cacheTokens: 100 } }, "one has 20 tokens"],
  ] as const)("is refused where images cannot be encoded (%#)", (changes, words) => {
    const input = {
      requests: requests([{ at: 0, text: 10, output: 2, images: [[0, 20]] }]),
      routing: "round-robin",
      seed: 1,
      stepping: "leap",
    } as const;
    expect(() => runServing({ ...input, replicas: [{ ...replica(WIDE), ...changes } as ReplicaSettings] })).toThrow(words);
  });
});

/** Prompts with images, few blocks and little room for what is kept of images, so that requests are preempted and images go. */
function imagesCase(seed: number): ServingInput {
  const prng = seededPrng(seed);
  const plain = generateColumns(`poisson:rate=120,prompt=10-60,output=1-40,seconds=1,seed=${seed}`);
  const drawn = drawImages(plain, { least: 0, most: 3, sizes: [{ width: 1, height: 1 }], distinct: 5 + prng.nextBelow(20), seed });
  const images = drawn.images!;
  const tokens = images.content.map((content) => 5 + ((content * 7) % 25));
  const promptTokens = drawn.promptTokens.map(
    (count, i) => count + tokens.subarray(images.start[i], images.start[i + 1]).reduce((sum, one) => sum + one, 0),
  );
  const limits = { ...LIMITS, prefixCaching: seed % 2 === 0 };
  const stepsAhead = seed % 3 === 0 ? 1 : 0;
  const one = replica(
    { batchTokens: 30 + prng.nextBelow(40), cacheTokens: 30 + prng.nextBelow(100) },
    { kvBlocks: 11 + prng.nextBelow(6), rules: { ...vllmRules(limits), stepsAhead } },
  );
  return {
    requests: { ...drawn, promptTokens, images: { ...images, work: { tokens, patches: tokens } } },
    replicas: [one, one],
    routing: "round-robin",
    seed,
    stepping: "leap",
    ...(seed % 4 === 0 ? { outages: [{ replica: 0, atNs: 7e8, untilNs: 1e9 }] } : {}),
  };
}

describe("books", () => {
  it("hold after every event, and leaps end as single steps do", () => {
    let preemptions = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const input = imagesCase(seed);
      const { faults, outcome } = auditServing(input);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(runServing({ ...input, stepping: "unit" }).hash, `seed ${seed}`).toBe(outcome.hash);
      expect(outcome.images!.found, `seed ${seed}`).toBeGreaterThan(0);
      preemptions += outcome.preemptions;
    }
    expect(preemptions).toBeGreaterThan(3);
  });

  it("show a reader that is forgotten, and room that is miscounted", () => {
    const planted = (tamper: NonNullable<Parameters<typeof auditServing>[1]>["tamper"]): string[] =>
      auditServing(imagesCase(1), { tamper: tamper! }).faults;
    expect(planted(({ context }) => void context.requests.images!.held.fill(0)).join()).toMatch(/readers/);
    const miscounted = planted(({ replicas }) => {
      replicas[0]!.encoder!.used += 1;
    });
    expect(miscounted.join()).toMatch(/take/);
    const unlisted = planted(({ replicas }, event) => {
      if (event === 20) replicas[0]!.encoder!.oldest = -1;
    });
    expect(unlisted.join()).toMatch(/order in which they go/);
  });
});

describe("encoders on replicas of their own", () => {
  // 100 bytes a token of an image over 1e6 bytes/s: 0.1 ms a token, and 0.5 ms.
  const kvTransfer = {
    bytesPerToken: 10,
    imageBytesPerToken: 100,
    bandwidthBytesPerSecond: 1e6,
    latencyNs: 500_000,
    layerwise: false,
    layers: 2,
  };
  const encoders = (count: number, changes: Partial<EncoderSettings> = {}): ReplicaSettings[] =>
    Array.from({ length: count }, () => replica({ ...WIDE, ...changes }, { role: "encode", pool: 1, kvBlocks: 0 }));
  const decoders = replica({ batchTokens: Number.POSITIVE_INFINITY, cacheTokens: 1000, apart: true });
  const apart = (rows: readonly Row[], replicas: readonly ReplicaSettings[]): ServingInput => ({
    requests: requests(rows),
    replicas,
    routing: "round-robin",
    seed: 1,
    stepping: "leap",
    kvTransfer,
  });

  it("encode before prefill, hand over, and leave decodes alone", () => {
    const rows = [
      { at: 0, text: 10, output: 8 },
      { at: 1, text: 10, output: 1, images: [[0, 30]] as const },
    ];
    const { firstTokenNs, lastTokenNs, busyNs, images } = runServing(apart(rows, [decoders, ...encoders(1)]));
    // Encoded at 1 + 1.3 ms, there 3 + 0.5 ms later; it joins the iteration that begins at 5.01 ms, which has 40 tokens.
    expect(firstTokenNs[1]).toBe(5_010_000 + 1_040_000);
    expect(lastTokenNs[0]).toBe(5_010_000 + 1_040_000 + 2_000_000);
    expect([...busyNs]).toEqual([8_050_000, 1_300_000]);
    expect(images).toEqual({ encoded: 1, tokens: 30, found: 0 });
  });

  it("deal the images of a request to all of them, and what is found is not encoded again", () => {
    const two = [
      [0, 20],
      [1, 20],
    ] as const;
    const rows = [
      { at: 0, text: 10, output: 1, images: two },
      { at: 50_000_000, text: 10, output: 1, images: two },
    ];
    const { firstTokenNs, busyNs, images } = runServing(apart(rows, [decoders, ...encoders(2)]));
    // Both in 1.2 ms; each from a link of its own, but into one: 4 ms for both.
    expect(firstTokenNs[0]).toBe(1_200_000 + 4_000_000 + 500_000 + 1_050_000);
    expect(firstTokenNs[1]! - 50_000_000).toBe(4_000_000 + 500_000 + 1_050_000);
    expect([...busyNs].slice(1)).toEqual([1_200_000, 1_200_000]);
    expect(images).toEqual({ encoded: 2, tokens: 40, found: 2 });
  });

  it("encode as many at once as their budget and their sequences allow", () => {
    const rows = [
      {
        at: 0,
        text: 10,
        output: 1,
        images: [
          [0, 20],
          [1, 20],
          [2, 20],
        ] as const,
      },
    ];
    const busy = (changes: Partial<EncoderSettings>, most = 4): number =>
      runServing(apart(rows, [decoders, ...encoders(1, changes).map((one) => ({ ...one, maxSequences: most }))])).busyNs[1]!;
    expect(busy({})).toBe(1_600_000);
    expect(busy({ batchTokens: 40 })).toBe(2_600_000);
    expect(busy({ cacheTokens: 40 })).toBe(2_600_000);
    expect(busy({}, 1)).toBe(3_600_000);
  });

  it("take room where they are read", () => {
    const rows = [
      {
        at: 0,
        text: 10,
        output: 1,
        images: [
          [0, 20],
          [1, 20],
        ] as const,
      },
    ];
    const tight = { ...decoders, encoder: { ...decoders.encoder!, cacheTokens: 30 } };
    // One after the other, in two iterations.
    expect(runServing(apart(rows, [tight, ...encoders(2)])).firstTokenNs[0]).toBe(1_200_000 + 4_500_000 + 1_030_000 + 1_020_000);
  });

  const splitCase = (seed: number): ServingInput => {
    const input = imagesCase(4 * seed + 1);
    const one = { ...input.replicas[0]!, encoder: { ...input.replicas[0]!.encoder!, apart: true } };
    const encode = replica(input.replicas[0]!.encoder!, { role: "encode", pool: 1, kvBlocks: 0, maxSequences: 1 + (seed % 3) });
    const roles =
      seed % 2 === 0
        ? [one, encode, one, encode]
        : [{ ...one, role: "prefill" as const }, encode, { ...one, role: "decode" as const, kvBlocks: 60 }];
    return { ...input, replicas: roles, kvTransfer: { ...kvTransfer, bandwidthBytesPerSecond: 1e6 * (1 + (seed % 5)) } };
  };

  it("hold their books after every event, with prefill and decode apart too, and leaps end as single steps do", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const input = splitCase(seed);
      const { faults, outcome } = auditServing(input);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(runServing({ ...input, stepping: "unit" }).hash, `seed ${seed}`).toBe(outcome.hash);
      expect(outcome.images!.encoded, `seed ${seed}`).toBeGreaterThan(10);
    }
  });

  it("need a link, and replicas that stay", () => {
    const { kvTransfer: _none, ...without } = apart([{ at: 0, text: 10, output: 1, images: [[0, 20]] }], [decoders, ...encoders(1)]);
    expect(() => runServing(without)).toThrow("kvTransfer");
    expect(() => runServing({ ...without, kvTransfer, outages: [{ replica: 0, atNs: 1, untilNs: 2 }] })).toThrow("come and go");
  });
});
