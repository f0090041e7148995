/** How far a request's logits move when seven others prefill and decode in the same tasks: what a driver declares as its tolerance. */
import type { StepRow, StepTask } from "../../src/engine/replica-engine-types.ts";
import type { LoadedStage } from "../../src/execute/stage-driver.ts";

const STREAMS = 8;
const PROMPT = 100;
const STEPS = 4;
/** Spread of token ids over a vocabulary; any will do. */
const TOKEN_STEP = 7919;

/** Largest difference of any logit, as a share of its row's largest. `stage` holds the whole model. */
export async function batchDifference(stage: LoadedStage, vocabulary: number): Promise<number> {
  const prompt = (lane: number): number[] =>
    Array.from({ length: PROMPT + 20 * lane }, (_, i) => (i * TOKEN_STEP + lane * 104_729) % vocabulary);
  const alone = await follow(stage, [prompt(0)], vocabulary);
  const among = await follow(
    stage,
    Array.from({ length: STREAMS }, (_, lane) => prompt(lane)),
    vocabulary,
  );
  return alone.reduce((most, row, i) => Math.max(most, relative(row, among[i]!)), 0);
}

/** Logits of the first of some prompts after it and after each of a few steps. */
async function follow(stage: LoadedStage, prompts: readonly number[][], vocabulary: number): Promise<Float32Array[]> {
  const run = async (task: Partial<StepTask>, tokens: readonly number[]): Promise<Float32Array> => {
    const whole: StepTask = { closes: [], opens: [], rows: [], seals: [], ...task };
    return (await stage.run(whole, Int32Array.from(tokens))).data.slice(0, vocabulary);
  };
  const rowOf = (lane: number, phase: StepRow["phase"], start: number, count: number): StepRow => ({
    lane,
    phase,
    start,
    count,
    sample: true,
  });
  const opens = prompts.map(({ length }, lane) => ({
    lane,
    request: lane,
    attempt: 0,
    tokens: length + STEPS,
    gather: [],
    gatherTokens: 0,
  }));
  const rows = [await run({ opens, rows: prompts.map(({ length }, lane) => rowOf(lane, "prefill", 0, length)) }, prompts.flat())];
  for (let step = 0; step < STEPS; step++) {
    const decodes = prompts.map(({ length }, lane) => rowOf(lane, "decode", length + step, 1));
    const tokens = prompts.map((_, lane) => (step * TOKEN_STEP + lane) % vocabulary);
    rows.push(await run({ rows: decodes }, tokens));
  }
  await run({ closes: prompts.map((_, lane) => lane) }, []);
  return rows;
}

function relative(row: Float32Array, other: Float32Array): number {
  let largest = 0;
  let apart = 0;
  for (const [i, value] of row.entries()) {
    largest = Math.max(largest, Math.abs(value));
    apart = Math.max(apart, Math.abs(value - other[i]!));
  }
  return apart / largest;
}
