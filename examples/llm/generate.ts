import { type DecoderGraph, type OpenRack, type Tensor, tensor } from "heddle";

export type Pins = Readonly<Record<string, string>>;

export interface GenerateOptions {
  readonly prompt: readonly number[];
  /** Devices of the rack, by pattern of the operators they run. */
  readonly prefill: Pins;
  readonly decode: Pins;
  /** Most tokens to make. */
  readonly limit: number;
  readonly stopIds: readonly number[];
}

/**
 * Tokens of the likeliest continuation, as they are made. One device runs the whole prompt, which is bound by arithmetic; another makes token after
 * token, which is bound by memory. Keys and values are one state: where the second device needs them, the rack hands them over, once.
 */
export async function* generate(rack: OpenRack, model: DecoderGraph, options: GenerateOptions): AsyncIterable<number> {
  const { prompt, stopIds } = options;
  const state = rack.state(model, { name: "text" });
  try {
    let run = rack.submit(model, at(prompt, 0), { state, pin: options.prefill });
    for (let made = 0; ; made++) {
      const token = likeliest(await run.output("logits").read());
      if (made === options.limit || stopIds.includes(token)) return;
      yield token;
      run = rack.submit(model, at([token], prompt.length + made), { state, pin: options.decode });
    }
  } finally {
    state.release();
  }
}

/** Tokens and where in the text they stand. */
function at(tokens: readonly number[], position: number): Record<string, Tensor> {
  return {
    tokens: tensor(tokens, [tokens.length], "i64"),
    positions: tensor(
      tokens.map((_, i) => position + i),
      [tokens.length],
      "i64",
    ),
  };
}

function likeliest({ data }: Tensor): number {
  const scores = data as Float32Array;
  let best = 0;
  for (let id = 1; id < scores.length; id++) if (scores[id]! > scores[best]!) best = id;
  return best;
}
