// Goal: each span knows what share of the other cores worked meanwhile. Method: spans by hand; the same spans in the simulator's rates.
import { describe, expect, it } from "vitest";
import { besideShares, type WorkSpan } from "../../src/cost/beside-share.ts";
import { createDeviceRates } from "../../src/simulate/run/device-rates.ts";
import { syntheticDevice } from "../support/synthetic-rack.ts";

const [a, b, c] = ["a", "b", "c"].map((id, core) => ({ ...syntheticDevice(id), cores: [core] }));
const wide = { ...syntheticDevice("wide"), cores: [0, 1] };
const span = (device: WorkSpan["device"], startNs: number, endNs: number): WorkSpan => ({ device, startNs, endNs });

describe("shares of other cores at work", () => {
  it("counts overlaps by time and cores", () => {
    expect(besideShares([span(a!, 0, 100), span(b!, 50, 200)], [a!, b!])).toEqual([0.5, 1 / 3]);
    // Two other cores: one of them at work all the time is a half.
    expect(besideShares([span(a!, 0, 100), span(b!, 0, 100)], [a!, b!, c!])).toEqual([0.5, 0.5]);
    expect(besideShares([span(b!, 0, 40), span(a!, 0, 100), span(b!, 40, 100)], [a!, b!])).toEqual([1, 1, 1]);
  });

  it("counts neither own cores nor other memories nor work before and after", () => {
    expect(besideShares([span(a!, 0, 100), span(a!, 0, 100)], [a!, b!])).toEqual([0, 0]);
    expect(besideShares([span(a!, 0, 100), span({ ...b!, memory: "other" }, 0, 100)], [a!, b!])).toEqual([0, 0]);
    expect(besideShares([span(a!, 0, 100), span(b!, 100, 200)], [a!, b!])).toEqual([0, 0]);
    expect(besideShares([span(wide, 0, 100), span(a!, 0, 100)], [wide, a!, b!])).toEqual([0, 1]);
  });

  it("is the share the simulation slows devices down by", () => {
    const slowdown = 1.5;
    const devices = [a!, b!, c!];
    const sharing = new Map(
      devices.map(({ id, cores, memory }) => [
        id,
        { cores: cores.map((core) => `${memory}/${core}`), memory, concurrentSlowdown: slowdown },
      ]),
    );
    const [share] = besideShares([span(a!, 0, 100), span(b!, 0, 100)], devices);
    expect(1 / createDeviceRates(sharing)("a", new Set(["a", "b"]))).toBeCloseTo(1 + (slowdown - 1) * share!, 12);
  });
});
