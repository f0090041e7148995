/** How many configurations a second are priced and estimated without events, and what one iteration costs to price once tables are filled. */
import { must } from "../src/base/assert.ts";
import { estimateClosedLoop } from "../src/cost/iteration/closed-loop.ts";
import { ONE_DEVICE } from "../src/cost/iteration/cut.ts";
import { type BatchShape, emptyBatch } from "../src/cost/iteration/iteration-cost.ts";
import { type ExplainedCost, type IterationInput, iterationCostOf } from "../src/cost/iteration/iteration-cost-of.ts";
import { collectiveModel } from "../src/cost/network/collectives/collective-model.ts";
import { sheetNetwork } from "../src/cost/network/sheet-network.ts";
import { physicsModel } from "../src/cost/operator/physics/physics-model.ts";
import { knownArchitecture } from "../src/graph/architecture/known/known-architecture.ts";
import { deviceSheet } from "../src/rack/catalog/catalog.ts";
import type { Bench, Figure } from "./bench.ts";

const MODELS = ["Llama-3.1-8B", "Llama-3.1-70B", "Qwen3-235B-A22B", "DeepSeek-V3"];
const DEVICES = ["h100-sxm", "b200-sxm"];
const TENSORS = [1, 2, 4, 8];
const CLIENTS = [8, 64];
const ROUNDS = 5;
const PRICES = 1_000_000;
const LOOP = {
  promptTokens: 2048,
  outputTokens: 512,
  maxBatchedTokens: 8192,
  kvTokens: 1_000_000,
  prefillAlone: false,
  ranks: 1,
  stallShare: 1,
};

function inputs(): IterationInput[] {
  const found: IterationInput[] = [];
  for (const model of MODELS) {
    for (const device of DEVICES) {
      const sheet = deviceSheet(device);
      const network = collectiveModel(must(sheetNetwork(sheet, "vllm"), device));
      for (const tensor of TENSORS) {
        const parallel = { ...ONE_DEVICE, tensor };
        const precision = { weights: "f8e4m3", kv: "f8e4m3" } as const;
        found.push({
          architecture: must(knownArchitecture(model), model),
          sheet,
          parallel,
          precision,
          operators: physicsModel(sheet),
          network,
        });
      }
    }
  }
  return found;
}

function made(input: IterationInput): ExplainedCost {
  const cost = iterationCostOf(input);
  if (!cost.ok) throw new Error(JSON.stringify(cost.error));
  return cost.value;
}

/** Milliseconds of CPU that a configuration takes: cost made, closed loop estimated at two numbers of clients. */
function configurationMs(all: readonly IterationInput[]): number {
  const before = process.cpuUsage().user;
  let sum = 0;
  for (const input of all) {
    const cost = made(input);
    for (const clients of CLIENTS) sum += estimateClosedLoop(cost, { ...LOOP, clients }).tpotNs;
  }
  const ms = (process.cpuUsage().user - before) / 1000;
  if (!(sum > 0)) throw new Error("no estimate");
  return ms / all.length;
}

/** Nanoseconds of CPU that pricing one iteration takes, prompts in every eighth. */
function priceNs(input: IterationInput): number {
  const cost = made(input);
  const shape: BatchShape = emptyBatch();
  const price = (index: number): number => {
    const decodes = 1 + (index % 256);
    shape.decodes = decodes;
    shape.decodeContext = decodes * (500 + (index % 3000));
    const prompt = index % 8 === 0 ? 512 + (index % 1500) : 0;
    shape.prefills = prompt > 0 ? 1 : 0;
    shape.prefillTokens = prompt;
    shape.prefillSquares = prompt * prompt;
    return cost.iterationNs(shape);
  };
  let sum = 0;
  for (let i = 0; i < PRICES / 10; i++) sum += price(i);
  const before = process.cpuUsage().user;
  for (let i = 0; i < PRICES; i++) sum += price(i);
  if (!(sum > 0)) throw new Error("no price");
  return ((process.cpuUsage().user - before) * 1000) / PRICES;
}

export const bench: Bench = {
  name: "iteration-cost",
  run({ note }) {
    const all = inputs();
    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(configurationMs(all));
    note(`configurations, ms each round: ${rounds.map((ms) => ms.toFixed(2)).join(" ")}`);
    const least = Math.min(...rounds);
    const figures: Figure[] = [
      { name: "configurations a second of CPU (made and estimated, best round)", value: 1000 / least, unit: "1/s", floor: { min: 1000 } },
      ...[0, all.length - 1].map((index) => ({
        name: `price of an iteration, ${index === 0 ? "Llama-3.1-8B on one H100" : "DeepSeek-V3 on 8 B200"}`,
        value: priceNs(must(all[index], "input")),
        unit: "ns",
        floor: { max: 10_000 },
      })),
    ];
    return Promise.resolve({
      setup: [`${all.length} configurations of ${MODELS.join(", ")} on ${DEVICES.join(", ")}; times are CPU of one core`],
      figures,
    });
  },
};
