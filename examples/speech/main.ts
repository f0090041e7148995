/** Writes down what is said in a recording: one device of a rack listens, another writes. */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openRack } from "heddle";
import { loadWhole } from "../load-whole.ts";
import { modelFile } from "../model-file.ts";
import { printDevices } from "../print-devices.ts";
import { appending } from "./appending.ts";
import { phrasesOf } from "./phrases.ts";
import { readTokens } from "./tokens.ts";
import { RATE, transcribe } from "./transcribe.ts";
import { readWav, resampled } from "./wav.ts";

const MODEL = "moonshine-voice--";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rack: { type: "string", default: "examples/racks/two-cpus.yaml" },
    encode: { type: "string", default: "cpu-0" },
    decode: { type: "string", default: "cpu-1" },
    trace: { type: "string" },
  },
});
const path = positionals[0] ?? modelFile(`${MODEL}two_cities.wav`);
const phrases = phrasesOf(resampled(readWav(readFileSync(path)), RATE));
const models = {
  encoder: await loadWhole(`${MODEL}encoder.onnx`, "encoder"),
  bridge: await loadWhole(`${MODEL}bridge.onnx`, "bridge"),
  decoder: appending(await loadWhole(`${MODEL}decoder.onnx`, "decoder")),
  tokens: readTokens(readFileSync(modelFile(`${MODEL}tokenizer.bin`))),
};
const rack = await openRack(values.rack, values.trace === undefined ? {} : { trace: values.trace });
try {
  const texts = transcribe(rack, phrases, { models, devices: { encode: values.encode, decode: values.decode } });
  for await (const text of texts) process.stdout.write(`${text}\n`);
  printDevices(rack);
} finally {
  await rack.close();
}
