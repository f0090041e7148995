// Goal: what a lane holds survives every move. Method: random opening, prompts, decode appends, sealing, gathering, closing and compaction, held
// against a plain list of rows per lane; every row's values name its lane, time and place.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecoderSpec } from "../../../graph/decoder/spec.ts";
import { BLOCK_TOKENS, PART_TOKENS, pagesFor } from "../../../state/block.ts";
import { compactPages, createPagePool, freePages, takePage } from "./page-pool.ts";
import { closeStageLane, createStageKv, openStageLane, type StageKv, sealStageBlock, stageKvBytes, toPages } from "./stage-kv.ts";

const SPEC = { kvHeads: 2, headDim: 2 } as DecoderSpec;
const LAYERS = 2;
const LANES = 4;
const PAGES = 12;
const SLOTS = 3;
const PAGE_BYTES = LAYERS * 2 * SPEC.kvHeads * SPEC.headDim * BLOCK_TOKENS * 4;

describe.each(["heads", "tokens"] as const)("stage KV, %s first", (layout) => {
  it("keeps every row through moves, seals, gathers, closes and compaction", () => {
    const operation = fc.record({
      lane: fc.nat(LANES - 1),
      what: fc.constantFrom("open", "decode", "decode", "seal", "close", "compact"),
      tokens: fc.integer({ min: 1, max: 3 * BLOCK_TOKENS }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
        const kv = createStageKv(SPEC, LAYERS, { maxSequences: LANES, contextLimit: 4 * BLOCK_TOKENS, workingPages: PAGES, layout });
        const model: number[][] = Array.from({ length: LANES }, () => []);
        const open = new Set<number>();
        const sealed: number[][] = [];
        let value = 1;
        for (const { lane, what, tokens } of operations) {
          const rows = model[lane]!;
          const pages = (): number => [...open].reduce((sum, one) => sum + pagesFor(model[one]!.length + 1), 0);
          if (what === "open" && !open.has(lane)) {
            // Whole blocks, and the leading tokens of the one after them.
            const held = sealed.slice(0, 1 + (tokens % SLOTS)).reduce((sum, one) => sum + one.length, 0);
            const gatherTokens = Math.max(0, held - (tokens % 3) * PART_TOKENS);
            const known = tokens + gatherTokens;
            if (pages() + pagesFor(known + 1) > PAGES) continue;
            const gather = Array.from({ length: pagesFor(gatherTokens) }, (_, slot) => ({ slot, generation: 0 }));
            openStageLane(kv, { lane, request: 0, attempt: 0, tokens: known, gather, gatherTokens });
            rows.splice(0, rows.length, ...sealed.flat().slice(0, gatherTokens));
            for (let i = 0; i < tokens; i++) rows.push(stage(kv, lane, value++));
            open.add(lane);
          } else if (what === "decode" && open.has(lane)) {
            if (pages() + 1 > PAGES) continue;
            toPages(kv, lane);
            rows.push(append(kv, lane, value++));
          } else if (what === "seal" && open.has(lane) && sealed.length < SLOTS && sealed.every((one) => one.length === BLOCK_TOKENS)) {
            const slot = sealed.length;
            const start = slot * BLOCK_TOKENS;
            const count = Math.min(BLOCK_TOKENS, Math.floor((rows.length - start) / PART_TOKENS) * PART_TOKENS);
            if (count < PART_TOKENS) continue;
            sealStageBlock(kv, { lane, block: slot, tokens: count, target: { slot, generation: 0 } });
            sealed.push(rows.slice(start, start + count));
          } else if (what === "close" && open.delete(lane)) closeStageLane(kv, lane);
          else if (what === "compact") compactPages(kv.pool, 2);
          for (const one of open) expect(held(kv, one)).toEqual(model[one]!.map((row) => Math.fround(row)));
        }
        for (const one of open) closeStageLane(kv, one);
        expect(stageKvBytes(kv)).toBe(sealed.length * PAGE_BYTES);
        expect(kv.pool.used).toBe(0);
      }),
      { numRuns: 60, seed: 11 },
    );
  });

  it("refuses blocks of another generation, and more of one than there is", () => {
    const kv = createStageKv(SPEC, LAYERS, { maxSequences: LANES, contextLimit: 256, workingPages: PAGES, layout });
    const opening = { lane: 0, request: 0, attempt: 0, tokens: 70 };
    const seal = { lane: 0, block: 0, target: { slot: 0, generation: 0 } };
    const gather = [seal.target];
    expect(() => openStageLane(kv, { ...opening, gather, gatherTokens: 64 })).toThrow("generation");
    openStageLane(kv, { ...opening, gather: [], gatherTokens: 0 });
    for (let i = 0; i < BLOCK_TOKENS - 1; i++) stage(kv, 0, i);
    expect(() => sealStageBlock(kv, { ...seal, tokens: 64 })).toThrow("complete");
    sealStageBlock(kv, { ...seal, tokens: 56 });
    expect(() => openStageLane(kv, { ...opening, lane: 1, gather, gatherTokens: 64 })).toThrow("as far as it was sealed");
    expect(() => openStageLane(kv, { ...opening, lane: 1, gather, gatherTokens: 65 })).toThrow("but for the last");
    openStageLane(kv, { ...opening, lane: 1, gather, gatherTokens: 48 });
    expect(held(kv, 1)).toEqual(Array.from({ length: 48 }, (_, i) => i));
  });
});

describe.each(["heads", "tokens"] as const)("a prompt's memory, %s first", (layout) => {
  it("is not gathered again where it still holds the blocks, however short the next prompt", () => {
    const kv = createStageKv(SPEC, LAYERS, { maxSequences: LANES, contextLimit: 256, workingPages: PAGES, layout });
    const opening = { lane: 0, request: 0, attempt: 0 };
    openStageLane(kv, { ...opening, tokens: 200, gather: [], gatherTokens: 0 });
    for (let i = 0; i < 120; i++) stage(kv, 0, i);
    const whole = { slot: 0, generation: 0 };
    const part = { slot: 1, generation: 0 };
    sealStageBlock(kv, { lane: 0, block: 0, tokens: 64, target: whole });
    sealStageBlock(kv, { lane: 0, block: 1, tokens: 56, target: part });
    closeStageLane(kv, 0);
    // Copies would bring these back.
    for (const block of kv.sealed.values()) new Float32Array(block.data.buffer).fill(-1);
    openStageLane(kv, { ...opening, tokens: 130, gather: [whole, part], gatherTokens: 64 + 48 });
    expect(held(kv, 0)).toEqual(Array.from({ length: 112 }, (_, i) => i));
    expect(stageKvBytes(kv)).toBe((3 + 2) * PAGE_BYTES);
    closeStageLane(kv, 0);
    // The second block is only known to lie there for 48 tokens now; another first block lies nowhere.
    openStageLane(kv, { ...opening, tokens: 130, gather: [whole, part], gatherTokens: 64 + 56 });
    expect(held(kv, 0)).toEqual([...Array.from({ length: 64 }, (_, i) => i), ...new Array<number>(56).fill(-1)]);
    closeStageLane(kv, 0);
    openStageLane(kv, { ...opening, tokens: 130, gather: [part], gatherTokens: 40 });
    expect(held(kv, 0)).toEqual(new Array<number>(40).fill(-1));
  });
});

describe("the page pool", () => {
  it("fills holes from below and lays before the graph no more than it must", () => {
    const pool = createPagePool({ buffers: 1, kvHeads: 1, headDim: 1 }, { capacity: 6, maxSequences: 2 });
    for (let page = 0; page < 3; page++) for (const lane of [0, 1]) takePage(pool, lane);
    expect(() => takePage(pool, 0)).toThrow("within the plan's");
    freePages(pool, 0);
    expect([pool.used, ...pool.pages[1]!]).toEqual([6, 1, 3, 5]);
    compactPages(pool, 1);
    expect([pool.used, ...pool.pages[1]!]).toEqual([4, 1, 3, 0]);
    compactPages(pool, 9);
    expect([pool.used, ...pool.pages[1]!]).toEqual([3, 1, 2, 0]);
  });
});

/** Writes a row of one value as a prefill run does. */
function stage(kv: StageKv, lane: number, value: number): number {
  const { capacity, buffers } = kv.staged[lane]!;
  const at = kv.lengths[lane]!++;
  for (const buffer of buffers) for (let head = 0; head < SPEC.kvHeads; head++) fill(buffer, stagedRow(kv, { capacity, head, at }), value);
  return value;
}

function stagedRow({ layout }: StageKv, { capacity, head, at }: { capacity: number; head: number; at: number }): number {
  return layout === "heads" ? head * capacity + at : at * SPEC.kvHeads + head;
}

/** Writes a row of one value as a decode run does. */
function append(kv: StageKv, lane: number, value: number): number {
  const at = kv.lengths[lane]!++;
  const page = at % BLOCK_TOKENS === 0 ? takePage(kv.pool, lane) : kv.pool.pages[lane]!.at(-1)!;
  for (const buffer of kv.pool.buffers) {
    for (let head = 0; head < SPEC.kvHeads; head++) fill(buffer, (page * SPEC.kvHeads + head) * BLOCK_TOKENS + (at % BLOCK_TOKENS), value);
  }
  return value;
}

function fill(buffer: Float32Array, row: number, value: number): void {
  buffer.fill(value, row * SPEC.headDim, (row + 1) * SPEC.headDim);
}

/** Values of a lane's rows in its last buffer and head, wherever it lies. */
function held(kv: StageKv, lane: number): number[] {
  const staging = kv.staged[lane];
  const head = SPEC.kvHeads - 1;
  return Array.from({ length: kv.lengths[lane]! }, (_, at) => {
    if (staging !== undefined) return staging.buffers.at(-1)![stagedRow(kv, { ...staging, head, at }) * SPEC.headDim]!;
    const page = kv.pool.pages[lane]![Math.floor(at / BLOCK_TOKENS)]!;
    return kv.pool.buffers.at(-1)![((page * SPEC.kvHeads + head) * BLOCK_TOKENS + (at % BLOCK_TOKENS)) * SPEC.headDim]!;
  });
}
