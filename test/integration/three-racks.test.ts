// Goal: one model on three racks: kept whole with the split priced, a device that would hurt dropped, split where no memory holds it, and each plan
// serves the same tokens. Method: the compiled command line plans and serves the tiny model on synthetic racks.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, expect, it } from "vitest";
import { stageWeightBytes } from "../../src/cost/decoder-shape.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { kvBytesPerToken } from "../../src/graph/decoder/spec.ts";
import type { Plan } from "../../src/plan/plan.ts";
import { readPlan } from "../../src/plan/plan-file.ts";
import type { Rack } from "../../src/rack/rack.ts";
import { writeRack } from "../../src/rack/rack-file.ts";
import { fastCore, syntheticCalibration, syntheticDevice, syntheticRack } from "../support/synthetic-rack.ts";
import { type TinyLive, tinyLive } from "../support/tiny-live.ts";

const MAIN = "dist/src/cli/main.js";
const CONTEXT = 256;

const LAYERS = 8;

let live: TinyLive;
beforeAll(() => {
  live = tinyLive({ model: { layers: LAYERS } });
});

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** The plan `heddle plan` writes for a rack, in f32 so that every layout gives the same tokens. */
function planned(name: string, rack: Rack): { readonly files: readonly string[]; readonly plan: Plan } {
  const files = [join(live.folder, `${name}.json`), "--rack", join(live.folder, `${name}.yaml`)];
  writeFileSync(files[2]!, writeRack(rack));
  const words = ["plan", live.plan.model.path, "--rack", files[2]!, "-o", files[0]!, "--no-calibrate", "--context", String(CONTEXT)];
  const formats = ["--prefill-format", "f32", "--decode-format", "f32", "--replicas", "1"];
  const env = { ...process.env, HEDDLE_HOME: live.folder };
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...words, ...formats], { env, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return { files, plan: readPlan(readFileSync(files[0]!, "utf8")) };
}

async function tokensOf(files: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [MAIN, "serve", ...files, "--port", "0", "--json"], {
    env: { ...process.env, HEDDLE_HOME: live.folder },
    stdio: ["ignore", "pipe", "ignore"],
  });
  children.push(child);
  let out = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (out.includes("}\n")) resolve((JSON.parse(out) as { url: string }).url);
    });
    child.once("close", () => reject(new Error(`heddle serve ended: ${out}`)));
  });
  const body = JSON.stringify({ model: "tiny", prompt: [5, 6, 7, 8, 9], max_tokens: 60, temperature: 0, ignore_eos: true });
  const answer = (await (await fetch(`${url}/v1/completions`, { method: "POST", body })).json()) as { choices: { text: string }[] };
  return answer.choices[0]!.text;
}

/** Part of a memory that plans use. */
const USABLE_SHARE = 0.85;

/** Weights in f32 and KV of one sequence. */
function bytesOfWhole(): number {
  const { spec } = openDecoderModel(live.plan.model.path);
  const formats = { prefillFormat: "f32", decodeFormat: "f32" } as const;
  return stageWeightBytes(spec, { fromLayer: 0, toLayer: LAYERS, ...formats }) + kvBytesPerToken(spec) * CONTEXT;
}

const layout = (plan: Plan): string[] =>
  plan.replicas[0]!.stages.map(({ device, fromLayer, toLayer }) => `${device} ${fromLayer}-${toLayer}`);

it("keeps it whole, drops what would hurt, splits what no memory holds, with the same tokens", async () => {
  const fast = syntheticDevice("fast", { memory: "dram-a" });
  const like = syntheticDevice("like", { memory: "dram-b", cores: [1] });
  const slow = syntheticDevice("slow", { memory: "dram-c", cores: [2], calibration: syntheticCalibration(fastCore, 20) });

  const whole = planned("whole", syntheticRack([fast, like]));
  expect(layout(whole.plan)).toEqual([`fast 0-${LAYERS}`]);
  expect(whole.plan.reasons.join("\n")).toMatch(/Kept whole: the best split is .* then .* % behind/);

  const dropped = planned("dropped", syntheticRack([slow, fast]));
  expect(layout(dropped.plan)).toEqual([`fast 0-${LAYERS}`]);
  expect(dropped.plan.reasons.join("\n")).toMatch(/slow is not used: the best layout with it is .* % behind/);

  // Each memory has seven tenths of what the whole needs: none holds it, two do.
  const tight = planned("tight", syntheticRack([fast, like, slow], (0.7 * bytesOfWhole()) / USABLE_SHARE));
  expect(tight.plan.replicas[0]!.stages.map(({ device }) => device).sort()).toEqual(["fast", "like"]);

  const texts = [await tokensOf(whole.files), await tokensOf(tight.files)];
  expect(texts[1]).toBe(texts[0]);
  expect(texts[0]!.length).toBeGreaterThan(60);
}, 60_000);
