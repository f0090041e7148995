// Goal: devices serve first come first served, slow one another down as stated, and give work back when its owner dies. Method: jobs of known length
// under a virtual clock, ends noted.
import { expect, test } from "vitest";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import { createDeviceRates, type DeviceSharing } from "./device-rates.ts";
import { createVirtualDevices, type VirtualDevices } from "./virtual-device.ts";

function rig(sharing: Readonly<Record<string, DeviceSharing>> = {}) {
  const clock = new VirtualClock();
  const facts = new Map(Object.entries(sharing));
  const devices = createVirtualDevices(clock, ["a", "b"], facts.size === 0 ? undefined : createDeviceRates(facts));
  const ends: [string, number, number][] = [];
  const submit = (device: string, name: string, durationNs: number, owner: object = {}): void =>
    devices.submit(device, { owner, durationNs, done: (tookNs) => ends.push([name, clock.now(), tookNs]) });
  const at = (ns: number, action: () => void): void => void clock.schedule(ns, action);
  const finish = (): [string, number, number][] => {
    while (clock.advance()) {}
    return ends;
  };
  return { devices, submit, at, finish };
}

const busy = (devices: VirtualDevices): Record<string, number> => Object.fromEntries(devices.busyNs());

test("a device does one job at a time, in order; devices that share nothing do not wait", () => {
  const { devices, submit, finish } = rig();
  submit("a", "first", 100);
  submit("a", "second", 50);
  submit("b", "other", 120);
  expect(finish()).toEqual([
    ["first", 100, 100],
    ["other", 120, 120],
    ["second", 150, 50],
  ]);
  expect(busy(devices)).toEqual({ a: 150, b: 120 });
});

test("a slow device takes longer for what starts while it is slow", () => {
  const { devices, submit, at, finish } = rig();
  devices.slow("a", 3, 150);
  submit("a", "slow", 100);
  at(400, () => submit("a", "fast", 100));
  expect(finish()).toEqual([
    ["slow", 300, 300],
    ["fast", 500, 100],
  ]);
});

test("what its owner left is dropped, running and waiting", () => {
  const { devices, submit, at, finish } = rig();
  const dead = {};
  submit("a", "dies", 100, dead);
  submit("a", "never", 100, dead);
  submit("a", "lives", 10);
  at(40, () => devices.drop(dead));
  expect(finish()).toEqual([["lives", 50, 10]]);
  expect(busy(devices)).toEqual({ a: 50, b: 0 });
});

test("two devices on one core halve each other while both work", () => {
  const one = { cores: ["0"], memory: "m", concurrentSlowdown: 1 };
  const { submit, at, finish } = rig({ a: one, b: one });
  submit("a", "long", 100);
  at(50, () => submit("b", "short", 20));
  // From 50 to 90 both run at half speed; `short` gets its 20, `long` 20 of the 50 it still needs.
  expect(finish()).toEqual([
    ["short", 90, 40],
    ["long", 120, 120],
  ]);
});

test("devices on other cores of a memory slow one another by what was measured", () => {
  const { submit, finish } = rig({
    a: { cores: ["0"], memory: "m", concurrentSlowdown: 1.5 },
    b: { cores: ["1"], memory: "m", concurrentSlowdown: 1.5 },
  });
  submit("a", "left", 150);
  submit("b", "right", 100);
  // Both at 2/3 until 150; then `left` alone does the remaining 50.
  expect(finish()).toEqual([
    ["right", 150, 150],
    ["left", 200, 200],
  ]);
});
