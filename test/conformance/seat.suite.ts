/** Runs the checks of seats in one way of opening them, and shows that each finds a seat that breaks what it is for. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SeatCase } from "../support/seat-cases.ts";
import { ONLY_APART, openContext, SEAT_CHECKS, type SeatContext } from "./seat-checks.ts";
import { faulty, SEAT_FAULTS } from "./seat-faults.ts";

export function seatSuite(each: SeatCase): void {
  describe(`seats: ${each.name}`, () => {
    let context: SeatContext;
    beforeAll(async () => {
      context = await openContext(each);
    });
    afterAll(() => context.table.close());
    for (const [name, check] of Object.entries(SEAT_CHECKS))
      test.skipIf(!each.apart && ONLY_APART.includes(name))(name, () => check(context));
  });
}

/** A check that waits for what a fault holds back has found it. Units: ms. */
const PATIENCE_MS = 1_500;

export function seatFaultSuite(each: SeatCase): void {
  describe(`checks of seats, around ${each.name}`, () => {
    // Those that wait do it at the same time, by themselves, so that they hold up nobody.
    const inOrder = [...SEAT_FAULTS.filter(({ waits }) => waits !== true), ...SEAT_FAULTS.filter(({ waits }) => waits === true)];
    for (const { check, fault, wrap, waits } of inOrder) {
      const run = waits === true ? test.concurrent : test;
      run(`${check}: found that ${fault}`, async () => {
        const broken = faulty(each, wrap);
        const context = await openContext(broken);
        const late = new Promise<never>((_, reject) => setTimeout(reject, PATIENCE_MS, new RangeError("it waits")));
        const checking = SEAT_CHECKS[check]!(context);
        await expect(Promise.race([checking, late])).rejects.toThrow();
        checking.catch(() => undefined);
        await context.table.close();
      });
    }
    test("every check has a fault", () => {
      const covered = new Set(SEAT_FAULTS.map(({ check }) => check));
      expect(Object.keys(SEAT_CHECKS).filter((check) => !covered.has(check) && !ONLY_APART.includes(check))).toEqual([]);
    });
  });
}
