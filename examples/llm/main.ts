/** Writes on from a prompt: one device of a rack reads it, another makes the tokens. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bytesOf, decoderFromGguf, loadDecoder, loadTokenizer, openRack, readGguf } from "heddle";
import { printDevices } from "../print-devices.ts";
import { generate, type Pins } from "./generate.ts";

const SMOLLM2 = join(homedir(), ".cache/heddle/models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");

const { values } = parseArgs({
  options: {
    model: { type: "string", default: SMOLLM2 },
    rack: { type: "string", default: "examples/racks/two-cpus.yaml" },
    /** A device, or `pattern=device` of operators, several with commas between: `layers.*.ffn/*=dataflow,layers.*.attention/*=cpu`. */
    prefill: { type: "string", default: "cpu-0" },
    decode: { type: "string", default: "cpu-1" },
    prompt: { type: "string", default: "The three primary colours are" },
    tokens: { type: "string", default: "24" },
    /** Prints the ids of the tokens, not their text. */
    ids: { type: "boolean", default: false },
    trace: { type: "string" },
    /** Folder for the ledger, for `heddle replay`. */
    ledger: { type: "string" },
  },
});
if (!existsSync(values.model)) throw new Error(`${values.model} is not there: fetch it with "npx heddle model pull"`);

const tokenizer = loadTokenizer(decoderFromGguf(readGguf(bytesOf(readFileSync(values.model))), "model").tokenizer);
const model = await loadDecoder(values.model, { contextLength: 512 });
/** Bytes of keys and values by the way they took. */
const handed = new Map<string, number>();
const rack = await openRack(values.rack, {
  ...(values.trace === undefined ? {} : { trace: values.trace }),
  ...(values.ledger === undefined ? {} : { ledger: values.ledger }),
  onEvent: (event) => {
    if (event.type !== "transfer-finished" || !event.tensor.startsWith("text/")) return;
    if ([event.from, event.to].includes("front-end")) return;
    const way = `${event.from} to ${event.to}`;
    handed.set(way, (handed.get(way) ?? 0) + event.bytes);
  },
});
try {
  const text = tokenizer.streamDecoder();
  const write = (words: string): boolean => process.stdout.write(words);
  write(values.ids ? "ids:" : values.prompt);
  const tokens = generate(rack, model, {
    prompt: tokenizer.encode(values.prompt, { addSpecial: true }),
    prefill: pinsOf(values.prefill),
    decode: pinsOf(values.decode),
    limit: Number(values.tokens),
    stopIds: values.ids ? [] : tokenizer.stopIds,
  });
  for await (const token of tokens) write(values.ids ? ` ${token}` : text.push(token));
  write(`${text.flush()}\n`);
  for (const [way, bytes] of handed) write(`keys and values handed over, ${way}: ${Math.round(bytes / 1000)} kB\n`);
  printDevices(rack);
} finally {
  await rack.close();
}

function pinsOf(text: string): Pins {
  if (!text.includes("=")) return { "*": text };
  return Object.fromEntries(text.split(",").map((pin) => pin.split("=") as [string, string]));
}
