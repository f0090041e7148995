/** Writes on from a prompt: one device of a rack reads it, another makes the tokens. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bytesOf, decoderFromGguf, loadDecoder, loadTokenizer, openRack, readGguf } from "heddle";
import { printDevices } from "../print-devices.ts";
import { generate } from "./generate.ts";

const SMOLLM2 = join(homedir(), ".cache/heddle/models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");

const { values } = parseArgs({
  options: {
    model: { type: "string", default: SMOLLM2 },
    rack: { type: "string", default: "examples/racks/two-cpus.yaml" },
    prefill: { type: "string", default: "cpu-0" },
    decode: { type: "string", default: "cpu-1" },
    prompt: { type: "string", default: "The three primary colours are" },
    tokens: { type: "string", default: "24" },
    trace: { type: "string" },
  },
});
if (!existsSync(values.model)) throw new Error(`${values.model} is not there: fetch it with "npx heddle model pull"`);

const tokenizer = loadTokenizer(decoderFromGguf(readGguf(bytesOf(readFileSync(values.model))), "model").tokenizer);
const model = await loadDecoder(values.model, { contextLength: 512 });
const rack = await openRack(values.rack, values.trace === undefined ? {} : { trace: values.trace });
try {
  const text = tokenizer.streamDecoder();
  process.stdout.write(values.prompt);
  const tokens = generate(rack, model, {
    prompt: tokenizer.encode(values.prompt, { addSpecial: true }),
    prefill: values.prefill,
    decode: values.decode,
    limit: Number(values.tokens),
    stopIds: tokenizer.stopIds,
    onHandOver: (given) => process.stdout.write(` [${given.tokens} tokens, ${Math.round(given.bytes / 1000)} kB of keys and values] `),
  });
  for await (const token of tokens) process.stdout.write(text.push(token));
  process.stdout.write(`${text.flush()}\n`);
  printDevices(rack);
} finally {
  await rack.close();
}
