// Goal: sealed blocks are never freed under a lease, written twice or found under a wrong key. Method: scenarios, and random operations held against a
// model that knows only keys and leases.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_TOKENS, type SlotRef } from "./block.ts";
import {
  abandonSlot,
  assertSlotsSound,
  createSlots,
  leaseSlot,
  lookupPrefix,
  pinnedSlots,
  prefixTokens,
  releaseSlot,
  reserveSlot,
  type Slots,
  sealSlot,
  touchPrefix,
} from "./slots.ts";

const nobody = (): void => {};
/** Keys of a whole block of its own. */
const whole = (key: string): string[] => [...Array.from({ length: 7 }, (_, part) => `${key}/${part + 1}`), key];
/** Slots of the whole blocks at the start of a prompt. */
const find = (slots: Slots, keys: readonly string[], blocks: number): readonly SlotRef[] =>
  lookupPrefix(slots, { keys, parts: [] }, blocks * BLOCK_TOKENS).refs;
/** Keys of a block whose parts are the letters of a text: a part's key is the text up to it. */
const spelled = (text: string): string[] => Array.from(text, (_, i) => text.slice(0, i + 1));

function sealAll(slots: Slots, keys: readonly string[]): void {
  for (const key of keys) sealSlot(slots, reserveSlot(slots, nobody)!, whole(key));
}

describe("slots", () => {
  it("find the longest prefix, no longer than asked for", () => {
    const slots = createSlots(4);
    sealAll(slots, ["a", "b", "d"]);
    expect(find(slots, ["a", "b", "c", "d"], 9)).toHaveLength(2);
    expect(find(slots, ["a", "b"], 1)).toHaveLength(1);
    expect(find(slots, ["c", "a"], 9)).toEqual([]);
  });

  it("evict the block that was used least recently, with a new generation", () => {
    const slots = createSlots(2);
    sealAll(slots, ["a", "b"]);
    const [a] = find(slots, ["a"], 1);
    leaseSlot(slots, a!);
    releaseSlot(slots, a!);
    const evicted: string[] = [];
    const target = reserveSlot(slots, (key) => evicted.push(key));
    expect(evicted).toEqual(["b"]);
    expect(target).toEqual({ slot: 1, generation: 1 });
    expect(() => leaseSlot(slots, { slot: 1, generation: 0 })).toThrow("generation");
  });

  it("evict nothing that is leased or being written", () => {
    const slots = createSlots(2);
    sealAll(slots, ["a"]);
    leaseSlot(slots, find(slots, ["a"], 1)[0]!);
    expect(reserveSlot(slots, nobody)).toBeDefined();
    expect(reserveSlot(slots, nobody)).toBeUndefined();
    expect(pinnedSlots(slots)).toBe(2);
  });

  it("keep one instance of a key", () => {
    const slots = createSlots(2);
    const [first, second] = [reserveSlot(slots, nobody)!, reserveSlot(slots, nobody)!];
    expect(sealSlot(slots, first, whole("a"))).toBe(true);
    expect(sealSlot(slots, second, whole("a"))).toBe(false);
    expect(slots.free).toHaveLength(1);
  });

  it("let the deepest block of a touched sequence go first", () => {
    const slots = createSlots(3);
    sealAll(slots, ["a", "b", "c"]);
    touchPrefix(slots, ["a", "b", "c"], 3);
    const evicted: string[] = [];
    for (let i = 0; i < 3; i++) reserveSlot(slots, (key) => evicted.push(key));
    expect(evicted).toEqual(["c", "b", "a"]);
  });

  it("assert what their callers promise", () => {
    const slots = createSlots(1);
    const target = reserveSlot(slots, nobody)!;
    expect(() => leaseSlot(slots, target)).toThrow("only a sealed block is read");
    sealSlot(slots, target, whole("a"));
    expect(() => sealSlot(slots, target, whole("b"))).toThrow("sealed by its writer");
    expect(() => releaseSlot(slots, target)).toThrow("a lease ends once");
    expect(() => abandonSlot(slots, target)).toThrow("only a reserved slot");
  });

  it("find the leading tokens of the block after the last whole one, no more than asked for", () => {
    const slots = createSlots(3);
    sealAll(slots, ["a"]);
    sealSlot(slots, reserveSlot(slots, nobody)!, spelled("xyz"));
    const prompt = { keys: ["a", "b"], parts: [...whole("a").slice(0, 7), ...spelled("xyzzxyz")] };
    expect(lookupPrefix(slots, prompt, 999)).toEqual({
      refs: [
        { slot: 0, generation: 0 },
        { slot: 1, generation: 0 },
      ],
      tokens: 64 + 24,
    });
    expect(prefixTokens(slots, prompt, 64 + 23)).toBe(64 + 16);
    expect(lookupPrefix(slots, prompt, 64 + 7)).toEqual({ refs: [{ slot: 0, generation: 0 }], tokens: 64 });
    // A prompt that is sealed whole is taken up to its last part.
    expect(prefixTokens(slots, { keys: ["a"], parts: whole("a").slice(0, 7) }, 63)).toBe(56);
    expect(prefixTokens(slots, { ...prompt, parts: [...prompt.parts.slice(0, 7), ...spelled("xw")] }, 999)).toBe(64 + 8);
  });

  it("take a shorter block away for one that continues it, at once or with its last lease", () => {
    const slots = createSlots(3);
    sealSlot(slots, reserveSlot(slots, nobody)!, spelled("ab"));
    const lookup = { keys: [], parts: spelled("ab") };
    const ref = lookupPrefix(slots, lookup, 64).refs[0]!;
    leaseSlot(slots, ref);
    expect(sealSlot(slots, reserveSlot(slots, nobody)!, spelled("abcd"))).toBe(true);
    assertSlotsSound(slots);
    expect(lookupPrefix(slots, lookup, 64).refs).toEqual([{ slot: 1, generation: 0 }]);
    expect([slots.free.length, slots.evictable.size]).toEqual([1, 1]);
    releaseSlot(slots, ref);
    assertSlotsSound(slots);
    expect([slots.free.length, slots.evictable.size]).toEqual([2, 1]);
    sealSlot(slots, reserveSlot(slots, nobody)!, spelled("abcdefgh"));
    expect([slots.free.length, slots.evictable.size]).toEqual([2, 1]);
    expect(sealSlot(slots, reserveSlot(slots, nobody)!, spelled("abc"))).toBe(false);
    assertSlotsSound(slots);
  });

  it("stay sound under random operations on blocks that share their beginnings, and never lead to other tokens", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 8 });
    const operation = fc.record({ type: fc.constantFrom("seal", "seal", "lease", "release"), text, which: fc.nat(9) });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.array(operation, { maxLength: 80 }), (capacity, operations) => {
        const slots = createSlots(capacity);
        const contents = new Map<string, string>();
        const leased: SlotRef[] = [];
        const nameOf = ({ slot, generation }: SlotRef): string => `${slot}.${generation}`;
        for (const step of operations) {
          if (step.type === "seal") {
            const target = reserveSlot(slots, (key) => expect(key).toHaveLength(8));
            if (target === undefined) continue;
            if (sealSlot(slots, target, spelled(step.text))) contents.set(nameOf(target), step.text);
          } else if (step.type === "lease") {
            const { refs, tokens } = lookupPrefix(slots, { keys: [], parts: spelled(step.text).slice(0, 7) }, 63);
            expect(refs).toHaveLength(tokens === 0 ? 0 : 1);
            if (refs.length === 0) continue;
            expect(contents.get(nameOf(refs[0]!))).toMatch(new RegExp(`^${step.text.slice(0, tokens / 8)}`));
            leaseSlot(slots, refs[0]!);
            leased.push(refs[0]!);
          } else if (leased.length > 0) releaseSlot(slots, leased.splice(step.which % leased.length, 1)[0]!);
          assertSlotsSound(slots);
        }
        for (const ref of leased) releaseSlot(slots, ref);
        assertSlotsSound(slots);
        expect(pinnedSlots(slots)).toBe(0);
      }),
      { numRuns: 300, seed: 9 },
    );
  });

  it("stay sound under random operations, and hold what the model holds", () => {
    const operation = fc.oneof(
      fc.record({ type: fc.constant("reserve" as const) }),
      fc.record({ type: fc.constant("seal" as const), which: fc.nat(9), key: fc.nat(6) }),
      fc.record({ type: fc.constant("abandon" as const), which: fc.nat(9) }),
      fc.record({ type: fc.constant("lease" as const), key: fc.nat(6) }),
      fc.record({ type: fc.constant("release" as const), which: fc.nat(9) }),
      fc.record({ type: fc.constant("touch" as const), key: fc.nat(6) }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.array(operation, { maxLength: 80 }), (capacity, operations) => {
        const slots = createSlots(capacity);
        const sealed = new Set<string>();
        const writing: SlotRef[] = [];
        const leased: { readonly ref: SlotRef; readonly key: string }[] = [];
        for (const step of operations) {
          if (step.type === "reserve") {
            const target = reserveSlot(slots, (key) => {
              expect(leased.some((lease) => lease.key === key)).toBe(false);
              sealed.delete(key);
            });
            if (target !== undefined) writing.push(target);
          } else if (step.type === "seal" && writing.length > 0) {
            const key = `k${step.key}`;
            const [target] = writing.splice(step.which % writing.length, 1);
            expect(sealSlot(slots, target!, whole(key))).toBe(!sealed.has(key));
            sealed.add(key);
          } else if (step.type === "abandon" && writing.length > 0) {
            abandonSlot(slots, writing.splice(step.which % writing.length, 1)[0]!);
          } else if (step.type === "lease") {
            const key = `k${step.key}`;
            const [ref] = find(slots, [key], 1);
            expect(ref !== undefined).toBe(sealed.has(key));
            if (ref === undefined) continue;
            leaseSlot(slots, ref);
            leased.push({ ref, key });
          } else if (step.type === "release" && leased.length > 0) {
            releaseSlot(slots, leased.splice(step.which % leased.length, 1)[0]!.ref);
          } else if (step.type === "touch") touchPrefix(slots, [`k${step.key}`], 1);
          assertSlotsSound(slots);
          expect([...slots.byKey.keys()].sort()).toEqual([...sealed].flatMap(whole).sort());
          expect(pinnedSlots(slots)).toBe(writing.length + new Set(leased.map((lease) => lease.ref.slot)).size);
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
