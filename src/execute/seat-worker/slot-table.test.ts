/** Goal: whatever calls do with slots, each tensor is freed once, when nobody sees or uses it. Method: drawn sequences of calls. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { HeddleError } from "../../base/heddle-error.ts";
import type { DeviceTensor } from "../device/device-driver.ts";
import { createSlotTable, type Held } from "./slot-table.ts";

const SLOTS = 4;
const step = fc.record({
  what: fc.constantFrom("fill", "fill", "use", "change", "free", "done", "done", "fail", "release", "release"),
  slot: fc.nat(SLOTS - 1),
  pick: fc.nat(),
});

test("every tensor is freed exactly once, and never under a use", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 60, size: "max" }), async (steps) => {
      const freed = new Map<DeviceTensor, number>();
      const made: DeviceTensor[] = [];
      const filling: Held[] = [];
      const using: Held[] = [];
      const appends: Promise<void>[] = [];
      const early: Held[] = [];
      const takenOver = new Set<DeviceTensor>();
      const table = createSlotTable((tensor) => {
        expect(using.some((held) => held.tensor === tensor)).toBe(false);
        freed.set(tensor, (freed.get(tensor) ?? 0) + 1);
      });
      const tensor = (): DeviceTensor => {
        const one: DeviceTensor = { type: "u8", dims: [made.length], bytes: 1 + made.length };
        made.push(one);
        return one;
      };
      const take = <T>(list: T[], pick: number): T | undefined => (list.length === 0 ? undefined : list.splice(pick % list.length, 1)[0]);
      const refused = (action: () => void): void => {
        try {
          action();
        } catch (thrown) {
          expect((thrown as HeddleError).code).toBe("input-invalid");
        }
      };
      const append = async ({ old, next }: ReturnType<typeof table.change>): Promise<void> => {
        try {
          takenOver.add(await table.alone(old));
          if (using.includes(old)) early.push(old);
          table.done(next, tensor());
        } catch (thrown) {
          table.failed(next, thrown as HeddleError);
        } finally {
          table.release(old);
        }
      };
      const acts: Record<string, (slot: number, pick: number) => void> = {
        fill: (slot) => refused(() => filling.push(table.fill(slot))),
        use: (slot) => refused(() => using.push(table.use(slot))),
        change: (slot) => refused(() => appends.push(append(table.change(slot)))),
        free: (slot) => table.free(slot),
        done: (_, pick) => {
          const held = take(filling, pick);
          if (held !== undefined) table.done(held, tensor());
        },
        fail: (_, pick) => {
          const held = take(filling, pick);
          if (held !== undefined) table.failed(held, new HeddleError("cancelled"));
        },
        release: (_, pick) => {
          const held = take(using, pick);
          if (held !== undefined) table.release(held);
        },
      };
      for (const { what, slot, pick } of steps) acts[what]!(slot, pick);
      for (const held of filling.splice(0)) table.done(held, tensor());
      for (const held of using.splice(0)) table.release(held);
      await Promise.all(appends);
      for (let slot = 0; slot < SLOTS; slot++) table.free(slot);
      expect(early).toEqual([]);
      expect([table.count, table.bytes]).toEqual([0, 0]);
      for (const one of made) expect(freed.get(one) ?? 0).toBe(takenOver.has(one) ? 0 : 1);
    }),
    { numRuns: 400 },
  );
});

test("a call that waits sees the tensor, or the failure, of the call before it", async () => {
  const table = createSlotTable(() => undefined);
  const held = table.fill(1);
  const use = table.use(1);
  const waiting = Promise.resolve(table.ready(use));
  const one: DeviceTensor = { type: "u8", dims: [1], bytes: 1 };
  table.done(held, one);
  expect(await waiting).toBe(one);
  const other = table.fill(2);
  const failing = Promise.resolve(table.ready(table.use(2)));
  table.failed(other, new HeddleError("capacity"));
  await expect(failing).rejects.toMatchObject({ code: "capacity" });
  expect(() => table.ready(table.use(2))).toThrow(/room/);
  table.fill(2);
});
