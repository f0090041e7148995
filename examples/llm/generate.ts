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

/** What passes from the device that read the prompt to the one that writes on: every layer's keys and values. */
export interface HandOver {
  readonly tokens: number;
  readonly bytes: number;
}

/**
 * Tokens of the likeliest continuation, as they are made. One device runs the whole prompt, which is bound by arithmetic; another makes token after
 * token, which is bound by memory. Keys and values are read from the first one's state and begin the second one's.
 */
export async function* generate(
  rack: OpenRack,
  model: DecoderGraph,
  options: GenerateOptions & { readonly onHandOver?: (handOver: HandOver) => void },
): AsyncIterable<number> {
  const { prompt, stopIds } = options;
  const read = rack.state(model, { name: "prompt" });
  const first = rack.submit(model, at(prompt, 0), { state: read, pin: options.prefill });
  let token = likeliest(await first.output("logits").read());

  const content: Record<string, Tensor> = {};
  for (const { name } of model.states) content[name] = await read.read(name);
  read.release();
  const bytes = Object.values(content).reduce((sum, { data }) => sum + data.byteLength, 0);
  options.onHandOver?.({ tokens: prompt.length, bytes });

  const written = rack.state(model, { name: "text", initial: content });
  try {
    for (let made = 0; made < options.limit && !stopIds.includes(token); made++) {
      yield token;
      const step = rack.submit(model, at([token], prompt.length + made), { state: written, pin: options.decode });
      token = likeliest(await step.output("logits").read());
    }
  } finally {
    written.release();
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
