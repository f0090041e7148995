// Goal: a program sees which way its work goes that comes again, can forbid it, and its ledger replays. Method: a graph run again and again on two cpu devices
// in this process; which device is quicker is the machine's affair, so what is checked is what was compared and told, not who won.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { readChromeTrace } from "../../test/support/read-chrome-trace.ts";
import { TWO_CPUS } from "../../test/support/two-cpus.ts";
import { joinLedger, readLedger } from "../engine/ledger-reader.ts";
import { replayLedger } from "../engine/replay.ts";
import { engineOfLedger } from "../engine/replay-engine.ts";
import { defineGraph } from "./define-graph.ts";
import { openRack } from "./open-rack.ts";
import type { RackEvent, RackOptions, RackReport } from "./sdk-types.ts";
import { tensor } from "./tensor.ts";

const RUNS = 16;
const folder = mkdtempSync(join(tmpdir(), "heddle-ways-"));
afterAll(() => rmSync(folder, { recursive: true }));

const double = defineGraph("double", (g) => {
  const x = g.input("x", "f32", [1, 2]);
  g.output("y", g.op("Add", [x, x]));
});

async function reportOf(options: RackOptions): Promise<RackReport> {
  const rack = await openRack(TWO_CPUS, { isolation: "inline", ...options });
  try {
    for (let run = 0; run < RUNS; run++) {
      const { y } = await rack.run(double, { x: tensor([1, run], [1, 2]) });
      expect(Array.from(y!.data as Float32Array)).toEqual([2, 2 * run]);
    }
    return rack.report();
  } finally {
    await rack.close();
  }
}

it("compares all devices with each alone, tells it, draws it, and replays", async () => {
  const told: RackEvent[] = [];
  const [trace, ledger] = [join(folder, "trace.json"), join(folder, "ledger")];
  const { ways } = await reportOf({ onEvent: (event) => told.push(event), trace, ledger });
  expect(ways).toHaveLength(1);
  const { graph, measured } = ways[0]!;
  expect(graph).toBe("double");
  expect(measured.map(({ device }) => device)).toEqual([
    undefined,
    ...["cpu-0", "cpu-1"].sort((a) => (a === measured[1]!.device ? -1 : 1)),
  ]);
  expect(measured[0]!.medianNs).toBeGreaterThan(0);
  const events = told.filter((event) => event.type === "way-chosen");
  expect(events.length).toBeGreaterThan(1);
  const { slices, flaws } = readChromeTrace(readFileSync(trace, "utf8"));
  expect(flaws).toEqual([]);
  expect(slices.filter(({ kind }) => kind === "way").length).toBeGreaterThanOrEqual(events.length);
  const read = joinLedger(readdirSync(ledger).map((file) => readLedger(readFileSync(join(ledger, file)))));
  const { events: replayed, firstDivergence } = replayLedger(read, engineOfLedger);
  expect(replayed).toBeGreaterThan(5 * RUNS);
  expect(firstDivergence).toBeUndefined();
});

it("leaves work over all devices where that is asked for, and beside a policy of one's own", async () => {
  expect((await reportOf({ oneDevice: "never" })).ways).toEqual([]);
  expect((await reportOf({ policy: () => "cpu-1" })).ways).toEqual([]);
});
