import { appending } from "../../../examples/speech/appending.ts";
import { loadGraph } from "../../../src/sdk/load-graph.ts";
import type { OpenRack, Output, RunnableGraph, Tensor } from "../../../src/sdk/sdk-types.ts";
import { tensor } from "../../../src/sdk/tensor.ts";
import type { Batch, DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";
import { samplePath } from "../sample-file.ts";

const [ENCODER, BRIDGE, DECODER] = ["encoder", "bridge", "decoder"].map((part) => `moonshine-voice--${part}.onnx`) as [
  string,
  string,
  string,
];
const PHRASES = 4;
const RATE = 16_000;
const SECONDS = 2;
/** Steps of a phrase: each waits for the one before. */
const TOKENS = 10;
const BEGIN = 1;

/** Sound to text: an encoder once a phrase, then token by token with a state. */
export const speech: DeviceCase = {
  name: "speech",
  what: `Moonshine tiny, ${PHRASES} phrases of ${SECONDS} s at once: encoder, keys and values, ${TOKENS} tokens one by one, ONNX Runtime on each core`,
  claim: "gains",
  emulated: false,
  models: [ENCODER, BRIDGE, DECODER],
  mix: rackOf(cores("core-0", "ort", [0]), cores("core-1", "ort", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("core-0", "ort", [0])) },
    { name: "ort, 2 threads", rack: rackOf(cores("both", "ort", [0, 1])) },
  ],
  prepare: async (): Promise<Batch> => {
    const [encoder, bridge, rest] = await Promise.all([ENCODER, BRIDGE, DECODER].map((file) => loadGraph(samplePath(file))));
    const models = { encoder: encoder!, bridge: bridge!, decoder: appending(rest!) };
    const sounds = Array.from({ length: PHRASES }, (_, phrase) => soundOf(phrase));
    return async (rack) => {
      await Promise.all(sounds.map((sound) => transcribe(rack, models, sound)));
    };
  },
};

/** A tone that changes: what it says does not matter here. */
function soundOf(phrase: number): Tensor {
  const samples = RATE * SECONDS;
  const values = Float32Array.from({ length: samples }, (_, i) => 0.1 * Math.sin((i * (200 + 40 * phrase + i / 800)) / RATE));
  return tensor(values, [1, samples]);
}

interface Models {
  readonly encoder: RunnableGraph;
  readonly bridge: RunnableGraph;
  readonly decoder: RunnableGraph;
}

async function transcribe(rack: OpenRack, { encoder, bridge, decoder }: Models, sound: Tensor): Promise<void> {
  const hidden = rack.submit(encoder, { input_values: sound }).output("last_hidden_state");
  const keys = rack.submit(bridge, { encoder_hidden_states: hidden, input_ids: oneToken(BEGIN) });
  const seen: Record<string, Output> = { encoder_hidden_states: hidden };
  for (const { name } of bridge.outputs) seen[name.replace("present", "past_key_values")] = keys.output(name);
  const text = rack.state(decoder);
  let token = BEGIN;
  for (let i = 0; i < TOKENS; i++) {
    const scores = rack.submit(decoder, { ...seen, input_ids: oneToken(token) }, { state: text }).output("logits");
    const { data } = (await scores.read()) as { readonly data: Float32Array };
    scores.release();
    token = data.indexOf(data.reduce((most, value) => Math.max(most, value)));
  }
  text.release();
  for (const output of Object.values(seen)) output.release();
}

const oneToken = (id: number): Tensor => tensor([id], [1, 1], "i64");
