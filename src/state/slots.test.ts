// Goal: sealed blocks are never freed under a lease, written twice or found under a wrong key. Method: scenarios, and random operations held against a
// model that knows only keys and leases.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SlotRef } from "./block.ts";
import {
  abandonSlot,
  assertSlotsSound,
  createSlots,
  leaseSlot,
  lookupPrefix,
  pinnedSlots,
  releaseSlot,
  reserveSlot,
  type Slots,
  sealSlot,
  touchPrefix,
} from "./slots.ts";

const nobody = (): void => {};

function sealAll(slots: Slots, keys: readonly string[]): void {
  for (const key of keys) sealSlot(slots, reserveSlot(slots, nobody)!, key);
}

describe("slots", () => {
  it("find the longest prefix, no longer than asked for", () => {
    const slots = createSlots(4);
    sealAll(slots, ["a", "b", "d"]);
    expect(lookupPrefix(slots, ["a", "b", "c", "d"], 9)).toHaveLength(2);
    expect(lookupPrefix(slots, ["a", "b"], 1)).toHaveLength(1);
    expect(lookupPrefix(slots, ["c", "a"], 9)).toEqual([]);
  });

  it("evict the block that was used least recently, with a new generation", () => {
    const slots = createSlots(2);
    sealAll(slots, ["a", "b"]);
    const [a] = lookupPrefix(slots, ["a"], 1);
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
    leaseSlot(slots, lookupPrefix(slots, ["a"], 1)[0]!);
    expect(reserveSlot(slots, nobody)).toBeDefined();
    expect(reserveSlot(slots, nobody)).toBeUndefined();
    expect(pinnedSlots(slots)).toBe(2);
  });

  it("keep one instance of a key", () => {
    const slots = createSlots(2);
    const [first, second] = [reserveSlot(slots, nobody)!, reserveSlot(slots, nobody)!];
    expect(sealSlot(slots, first, "a")).toBe(true);
    expect(sealSlot(slots, second, "a")).toBe(false);
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
    sealSlot(slots, target, "a");
    expect(() => sealSlot(slots, target, "b")).toThrow("sealed by its writer");
    expect(() => releaseSlot(slots, target)).toThrow("a lease ends once");
    expect(() => abandonSlot(slots, target)).toThrow("only a reserved slot");
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
            expect(sealSlot(slots, target!, key)).toBe(!sealed.has(key));
            sealed.add(key);
          } else if (step.type === "abandon" && writing.length > 0) {
            abandonSlot(slots, writing.splice(step.which % writing.length, 1)[0]!);
          } else if (step.type === "lease") {
            const key = `k${step.key}`;
            const [ref] = lookupPrefix(slots, [key], 1);
            expect(ref !== undefined).toBe(sealed.has(key));
            if (ref === undefined) continue;
            leaseSlot(slots, ref);
            leased.push({ ref, key });
          } else if (step.type === "release" && leased.length > 0) {
            releaseSlot(slots, leased.splice(step.which % leased.length, 1)[0]!.ref);
          } else if (step.type === "touch") touchPrefix(slots, [`k${step.key}`], 1);
          assertSlotsSound(slots);
          expect([...slots.byKey.keys()].sort()).toEqual([...sealed].sort());
          expect(pinnedSlots(slots)).toBe(writing.length + new Set(leased.map((lease) => lease.ref.slot)).size);
        }
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});
