import { readFileSync } from "node:fs";
import { appending } from "../../examples/speech/appending.ts";
import { RATE } from "../../examples/speech/transcribe.ts";
import { readWav, resampled } from "../../examples/speech/wav.ts";
import { loadGraph } from "../../src/sdk/load-graph.ts";
import type { OpenRack, Output, Tensor } from "../../src/sdk/sdk-types.ts";
import { tensor } from "../../src/sdk/tensor.ts";
import { samplePath } from "./sample-file.ts";

const PARTS = ["encoder", "bridge", "decoder"].map((part) => `moonshine-voice--${part}.onnx`);
export const SPEECH = "moonshine-voice--two_cities.wav";
export const TRANSCRIBER_FILES: readonly string[] = [...PARTS, SPEECH];

/** The token a text begins with. */
const BEGIN = 1;

/** Writes a phrase down: an encoder once, then token by token with a state. Gives the scores of the tokens, one after the other. */
export type Transcriber = (rack: OpenRack, sound: Tensor, tokens: number) => Promise<readonly Tensor[]>;

/** Moonshine tiny, whose products round activations to 8 bits. */
export async function loadTranscriber(): Promise<Transcriber> {
  const [encoder, bridge, rest] = await Promise.all(PARTS.map((file) => loadGraph(samplePath(file))));
  const decoder = appending(rest!);
  return async (rack, sound, tokens) => {
    const hidden = rack.submit(encoder!, { input_values: sound }).output("last_hidden_state");
    const keys = rack.submit(bridge!, { encoder_hidden_states: hidden, input_ids: oneToken(BEGIN) });
    const seen: Record<string, Output> = { encoder_hidden_states: hidden };
    for (const { name } of bridge!.outputs) seen[name.replace("present", "past_key_values")] = keys.output(name);
    const text = rack.state(decoder);
    const found: Tensor[] = [];
    let token = BEGIN;
    for (let i = 0; i < tokens; i++) {
      const scores = rack.submit(decoder, { ...seen, input_ids: oneToken(token) }, { state: text }).output("logits");
      const read = await scores.read();
      scores.release();
      found.push(read);
      token = likeliest(read.data as Float32Array);
    }
    text.release();
    for (const output of Object.values(seen)) output.release();
    return found;
  };
}

/** Phrases of `seconds` of the speech that comes with the model, one after the other. */
export function phrasesOfSpeech(count: number, seconds: number): readonly Tensor[] {
  const { samples } = resampled(readWav(readFileSync(samplePath(SPEECH))), RATE);
  const each = RATE * seconds;
  return Array.from({ length: count }, (_, phrase) => tensor(samples.slice(phrase * each, (phrase + 1) * each), [1, each]));
}

function likeliest(scores: Float32Array): number {
  let best = 0;
  for (let token = 1; token < scores.length; token++) if (scores[token]! > scores[best]!) best = token;
  return best;
}

const oneToken = (id: number): Tensor => tensor([id], [1, 1], "i64");
