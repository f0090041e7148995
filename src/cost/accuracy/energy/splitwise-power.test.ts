// Goal: the power of boards is predicted for models and group sizes it was not fitted on. Method: the public profile, where it is there.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fitPower, powerRows, splitwisePowerAccuracy } from "./splitwise-power.ts";

const SHARED = "../shared/data/splitwise-profile/perf_model.csv";

describe.skipIf(!existsSync(SHARED))("power on splitwise-profile", () => {
  it("is met to 5 % in the median with each model and TP left out, and intervals hold 9 of 10", () => {
    const [row] = splitwisePowerAccuracy(readFileSync(SHARED, "utf8"));
    expect(row?.points).toBeGreaterThan(150);
    expect(row?.medianError).toBeLessThan(0.05);
    expect(row?.coverage).toBeGreaterThan(0.85);
    expect(row?.excluded["no power measured"]).toBe(580);
  });
});

describe("rows of power", () => {
  const line = (model: string, power: number) =>
    `model,hardware,prompt_size,batch_size,token_size,peak_power,average_power,prompt_time,token_time,e2e_time,tensor_parallel\n${model},a100-80gb,512,1,128,1,${power},196,54.8,7168,2\n`;

  it("say how busy memory and multipliers were in each phase", () => {
    const { rows } = powerRows(line("llama2-70b", 0.736));
    expect(rows[0]?.phases[1]?.memory).toBeCloseTo(0.62, 2);
    expect(rows[0]?.phases[0]?.compute).toBeCloseTo(0.577, 2);
  });

  it("leave out what was not measured, and move a fit when they change", () => {
    expect(powerRows(line("llama2-70b", 0)).excluded["no power measured"]).toBe(1);
    expect(fitPower(powerRows(line("llama2-70b", 0.9)).rows).memory).toBeGreaterThan(
      fitPower(powerRows(line("llama2-70b", 0.6)).rows).memory,
    );
  });
});
