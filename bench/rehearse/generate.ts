import { argmax } from "../../src/execute/sampling/ranking.ts";
import type { DecoderGraph, OpenRack, Tensor } from "../../src/sdk/sdk-types.ts";
import { tensor } from "../../src/sdk/tensor.ts";

export type Pins = Readonly<Record<string, string>>;

/** The likeliest continuation of a prompt, token by token, in one state; where each stage runs is the rack's choice but for pins. */
export async function generate(
  rack: OpenRack,
  model: DecoderGraph,
  { prompt, count, pin }: { readonly prompt: readonly number[]; readonly count: number; readonly pin: Pins },
): Promise<readonly number[]> {
  const state = rack.state(model);
  const made: number[] = [];
  let tokens = prompt;
  let position = 0;
  try {
    while (made.length < count) {
      const run = rack.submit(model, inputsOf(tokens, position), { state, pin });
      const { data } = await run.output("logits").read();
      position += tokens.length;
      const next = argmax(data as Float32Array);
      made.push(next);
      tokens = [next];
    }
  } finally {
    state.release();
  }
  return made;
}

function inputsOf(tokens: readonly number[], position: number): Record<string, Tensor> {
  const dims = [tokens.length];
  const positions = tokens.map((_token, i) => position + i);
  return { tokens: tensor(tokens, dims, "i64"), positions: tensor(positions, dims, "i64") };
}
