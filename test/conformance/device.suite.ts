/** What every device driver keeps, whatever it runs on; `device.test.ts` and its neighbours name the drivers. */
import { describe, expect, test } from "vitest";
import { type CheckContext, DEVICE_CHECKS, type DeviceCase, type DeviceCheck } from "./device-checks.ts";
import { DEVICE_FAULTS } from "./device-faults.ts";

/** Runs all checks on a driver; where it is not there, one test is left out that names it and says why. */
export function deviceSuite(given: DeviceCase, absent?: string): void {
  if (absent !== undefined) {
    test.skip(`absent device: ${given.name}: ${absent}`, () => {});
    return;
  }
  describe(`device ${given.name}`, () => {
    for (const [name, check] of Object.entries(DEVICE_CHECKS)) test(name, () => check({ given, wrap: (device) => device }));
  });
}

/** Shows on one driver that every check finds a device that breaks what it is for. */
export function deviceFaultSuite(given: DeviceCase): void {
  describe(`checks of devices, around ${given.name}`, () => {
    for (const { check, fault, wrap } of DEVICE_FAULTS) {
      test(`${check}: found that ${fault}`, async () => {
        const context: CheckContext = { given, wrap };
        await expect(DEVICE_CHECKS[check](context)).rejects.toThrow();
      });
    }
    test("every check has a fault", () => {
      const covered = new Set(DEVICE_FAULTS.map(({ check }) => check));
      expect((Object.keys(DEVICE_CHECKS) as DeviceCheck[]).filter((check) => !covered.has(check))).toEqual([]);
    });
  });
}
