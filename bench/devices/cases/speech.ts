import type { DeviceCase } from "../device-case.ts";
import { cores, rackOf } from "../racks.ts";
import { loadTranscriber, phrasesOfSpeech, TRANSCRIBER_FILES } from "../transcriber.ts";

const PHRASES = 4;
const SECONDS = 2;
/** Steps of a phrase: each waits for the one before. */
const TOKENS = 10;

/**
 * Sound to text: an encoder once a phrase, then token by token with a state. The devices are alike, and each step is some ms of work between two messages, for which
 * the front end needs the same cores: a mix has little to win.
 */
export const speech: DeviceCase = {
  name: "speech",
  what: `Moonshine tiny, ${PHRASES} phrases of ${SECONDS} s at once: encoder, keys and values, ${TOKENS} tokens one by one, ONNX Runtime on each core`,
  claim: "keeps",
  emulated: false,
  models: TRANSCRIBER_FILES,
  mix: rackOf(cores("core-0", "ort", [0]), cores("core-1", "ort", [1])),
  singles: [
    { name: "ort, 1 thread", rack: rackOf(cores("core-0", "ort", [0])) },
    { name: "ort, 2 threads", rack: rackOf(cores("both", "ort", [0, 1])) },
  ],
  prepare: async () => {
    const transcribe = await loadTranscriber();
    const sounds = phrasesOfSpeech(PHRASES, SECONDS);
    return async (rack) => (await Promise.all(sounds.map((sound) => transcribe(rack, sound, TOKENS)))).flat();
  },
};
