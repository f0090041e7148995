// Goal: the command prices one cut and searches for one. Method: what it prints for a known model, and errors by code.
import { afterEach, describe, expect, it, vi } from "vitest";
import { printedBy } from "../../test/support/printed-by.ts";
import { addTrainStepCommand } from "./commands/train-step.ts";

afterEach(() => vi.restoreAllMocks());

const printed = printedBy(addTrainStepCommand);
const COMMON = ["train-step", "Llama-3.1-8B", "--device", "h100-sxm", "--devices", "16", "--batch", "64", "--sequence", "4096"];

describe("heddle train-step", () => {
  it("prices the cut it is given", async () => {
    const text = await printed(...COMMON, "--tensor", "2", "--pipeline", "2");
    expect(text).toMatch(/2 x 2 x 4\t1\t1\t1\tnone/);
    expect(text).toMatch(/memory of a device \(85.9 GB: (fits|does NOT fit)\)/);
  });

  it("lists the quickest cuts that fit", async () => {
    const { found, tried } = JSON.parse(await printed(...COMMON, "--top", "3", "--json")) as {
      found: { step: { stepNs: number } }[];
      tried: number;
    };
    expect(found).toHaveLength(3);
    expect(tried).toBeGreaterThan(3);
    expect(found[0]!.step.stepNs).toBeLessThanOrEqual(found[2]!.step.stepNs);
  });

  it.each([
    [[...COMMON, "--tensor", "3"], "training-invalid"],
    [[...COMMON, "--pipeline", "16", "--interleave", "3"], "training-invalid"],
    [[...COMMON, "--micro", "2"], "usage"],
    [[...COMMON, "--recompute", "full"], "usage"],
    [[...COMMON, "--tensor", "2", "--top", "3"], "usage"],
    [COMMON.with(3, "h1000"), "device-unknown"],
    [COMMON.with(1, "Lama"), "model-not-found"],
    [COMMON.with(1, "DeepSeek-V3"), "no-basis"],
    [COMMON.with(3, "cerebras-wse-3"), "figure-missing"],
    [["train-step", "Llama-3.1-405B", "--device", "l4", "--devices", "8", "--batch", "8", "--sequence", "4096"], "does-not-fit"],
  ])("answers %j with %s", async (words, code) => {
    await expect(printed(...words)).rejects.toMatchObject({ code });
  });
});
