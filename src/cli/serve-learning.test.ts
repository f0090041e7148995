// Goal: what a fleet does while it serves is measured against what was predicted, shown, and corrects the next prediction of the plan. Method: the tiny
// model in real hosts, two replicas, a cache folder of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, tinyPrompt } from "../../test/support/live-answers.ts";
import { tinyLive } from "../../test/support/tiny-live.ts";
import { planCosts } from "../execute/fleet-host/plan-costs.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import { fleetGauges } from "../serve/fleet-gauges.ts";
import { learnedText, predictedText, startLearning } from "./serve-learning.ts";
import { type ServingStack, startStack, untilUp } from "./serving-stack.ts";

const live = tinyLive({ replicas: 2 });
const input = { plan: live.plan, model: openDecoderModel(live.plan.model.path), rack: live.costs[0]!.rack };
const home = mkdtempSync(join(tmpdir(), "heddle-learning-"));
const before = process.env["HEDDLE_HOME"];
let stack: ServingStack;

beforeAll(async () => {
  process.env["HEDDLE_HOME"] = home;
  stack = startStack({ ...input, ledger: undefined });
  await untilUp(stack, new AbortController().signal);
});

afterAll(async () => {
  await stack.fleet.close();
  if (before === undefined) delete process.env["HEDDLE_HOME"];
  else process.env["HEDDLE_HOME"] = before;
  for (const folder of [home, live.folder]) rmSync(folder, { recursive: true, force: true });
});

const serve = (tokens: number): Promise<unknown> =>
  Promise.all([1, 2, 3, 4].map((seed) => ask(stack.fleet, { tokens: tinyPrompt(seed, 40), maxNewTokens: tokens }).outcome));

test("hosts tell each iteration once, on one clock, and hosts that work at once are seen beside one another", async () => {
  await serve(20);
  const steps = await stack.fleet.observe();
  expect(steps.map((list) => list.length > 0)).toEqual([true, true]);
  const [first, second] = steps.map((list) => ({ from: list[0]!.startNs, to: list.at(-1)!.endNs }));
  expect(first!.from).toBeLessThan(second!.to);
  expect(second!.from).toBeLessThan(first!.to);
  expect(steps.flat().every(({ startNs, endNs, stages }) => endNs > startNs && stages[0]!.measuredNs > 0)).toBe(true);
  expect(await stack.fleet.observe()).toEqual([[], []]);
});

test("few iterations are no lesson, speeds are shown all the same, and nothing is kept where nothing is to be learned", async () => {
  const learning = startLearning(stack, input, { learn: false });
  await serve(10);
  await learning.round();
  await serve(220);
  await learning.stop();
  expect(learning.lessons).toBe(0);
  expect(planCosts(input.plan, input.model, input.rack).every(({ correction }) => correction === undefined)).toBe(true);
  expect(predictedText(stack)).toContain("calibration alone");
  const gauges = fleetGauges({ fleet: stack.fleet, pages: stack.front.pages }).stepTime!;
  expect(gauges.map(({ labels }) => `${labels!["replica"]} ${labels!["phase"]}`)).toEqual(
    expect.arrayContaining(["0 all", "0 decode", "1 all"]),
  );
  expect(gauges.every(({ value }) => value > 0)).toBe(true);
});

test("a lesson that cannot be written is said, and serving goes on", async () => {
  const learning = startLearning(stack, input, { learn: true });
  process.env["HEDDLE_HOME"] = live.plan.model.path;
  try {
    await serve(220);
    await expect(learning.round()).rejects.toMatchObject({ code: "file-unwritable" });
    await serve(220);
    await expect(learning.stop()).resolves.toBeUndefined();
  } finally {
    process.env["HEDDLE_HOME"] = home;
  }
  expect(learning.lessons).toBe(0);
});

test("enough iterations are a lesson that meets what was measured, for the next start of the plan", async () => {
  const learning = startLearning(stack, input, { learn: true });
  await serve(10);
  await learning.round();
  expect(learning.lessons).toBe(0);
  await serve(220);
  await learning.stop();
  expect(learning.lessons).toBe(2);
  expect(learnedText(stack, learning.lessons)).toContain("2 lessons kept");
  const [learned] = planCosts(input.plan, input.model, input.rack);
  const { speed } = stack.fleet.status[0]!;
  // What the fit is bounded by, and no nearer than runs of a busy machine are to one another.
  const expected = Math.min(5, Math.max(0.2, speed!.decode!));
  expect(learned!.correction!.decodeFactor / expected).toBeGreaterThan(0.5);
  expect(learned!.correction!.decodeFactor / expected).toBeLessThan(2);
  expect(predictedText({ costs: [learned!] })).toMatch(/corrected by 2 live runs: decode x /);
});
