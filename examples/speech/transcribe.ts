import { type OpenRack, type Output, type RunnableGraph, tensor } from "heddle";
import { BEGIN, END, textOf } from "./tokens.ts";

/** Moonshine in three graphs. */
export interface SpeechModels {
  /** Sound to one vector for every 24 ms. */
  readonly encoder: RunnableGraph;
  /** Those to the keys and values that the decoder looks at, once a phrase. */
  readonly bridge: RunnableGraph;
  /** The token before to scores of the next; keys and values of the text so far are its state, appended to in every run. */
  readonly decoder: RunnableGraph;
  readonly tokens: readonly Uint8Array[];
}

export interface SpeechDevices {
  readonly encode: string;
  readonly decode: string;
}

/** Samples a second the encoder wants; no more tokens than this are spoken in a second. Source: Jeffries et al. 2024, Moonshine. */
export const RATE = 16_000;
const TOKENS_A_SECOND = 6.5;

/**
 * What is said in each phrase, in order. All phrases are given to the encoder's device at once; the decoder's device takes them one by one, and what
 * it needs of a phrase goes from device to device.
 */
export async function* transcribe(
  rack: OpenRack,
  phrases: readonly Float32Array[],
  { models, devices }: { readonly models: SpeechModels; readonly devices: SpeechDevices },
): AsyncIterable<string> {
  const heard = phrases.map((samples) => {
    const run = rack.submit(models.encoder, { input_values: tensor(samples, [1, samples.length]) }, { pin: { "*": devices.encode } });
    return { hidden: run.output("last_hidden_state"), limit: Math.ceil((samples.length / RATE) * TOKENS_A_SECOND) };
  });
  const pin = { "*": devices.decode };
  for (const { hidden, limit } of heard) {
    const bridge = rack.submit(models.bridge, { encoder_hidden_states: hidden, input_ids: oneToken(BEGIN) }, { pin });
    const seen: Record<string, Output> = { encoder_hidden_states: hidden };
    for (const { name } of models.bridge.outputs) seen[name.replace("present", "past_key_values")] = bridge.output(name);
    const text = rack.state(models.decoder);
    const ids: number[] = [];
    for (let token = BEGIN; token !== END && ids.length <= limit; ) {
      const run = rack.submit(models.decoder, { ...seen, input_ids: oneToken(token) }, { pin, state: text });
      token = likeliest((await run.output("logits").read()).data as Float32Array);
      if (token !== END) ids.push(token);
    }
    text.release();
    for (const output of Object.values(seen)) output.release();
    yield textOf(ids, models.tokens).trim();
  }
}

const oneToken = (id: number) => tensor(BigInt64Array.of(BigInt(id)), [1, 1]);

function likeliest(scores: Float32Array): number {
  let best = 0;
  for (let at = 1; at < scores.length; at++) if (scores[at]! > scores[best]!) best = at;
  return best;
}
