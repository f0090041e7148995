import type { SequenceModel } from "../architecture.ts";
import { architectureOf } from "../config/read-architecture.ts";
import { LLAMA_LINE } from "./llama-line.ts";
import { MIXTURES } from "./mixtures.ts";
import { VISION_MODELS } from "./vision.ts";

const CONFIGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { ...LLAMA_LINE, ...MIXTURES, ...VISION_MODELS };

/** Other names under which the same layers are published: instruction-tuned, quantised or further trained. */
const ALIASES: Readonly<Record<string, string>> = {
  "llama-3-8b": "Llama-3.1-8B",
  "llama-3-70b": "Llama-3.1-70B",
  "llama-3.3-70b": "Llama-3.1-70B",
  "deepseek-r1": "DeepSeek-V3",
  "deepseek-v3-0324": "DeepSeek-V3",
  "deepseek-r1-0528": "DeepSeek-V3",
  "deepseek-v3.1": "DeepSeek-V3",
  "deepseek-v3.2-exp": "DeepSeek-V3.2",
  "glm-5.1": "GLM-5",
  "kimi-k2.5": "Kimi-K2",
  "qwen3-235b-a22b-2507": "Qwen3-235B-A22B",
  "qwen3-30b-a3b-2507": "Qwen3-30B-A3B",
};

/** What publishers append to a name without changing the layers. */
const SUFFIX = /-(instruct|chat|it|base|hf|fp8|nvfp4|fp4|awq|gptq|bf16|fp8-dynamic|instruct-fp8|thinking|v0\.1|v0\.3)$/;

/** Models whose configuration is in the catalogue, by name. */
export const KNOWN_MODELS: readonly string[] = Object.keys(CONFIGS);

const byKey: ReadonlyMap<string, string> = new Map([
  ...KNOWN_MODELS.map((name) => [name.toLowerCase(), name] as const),
  ...Object.entries(ALIASES),
]);
const read = new Map<string, SequenceModel>();

/**
 * Name in the catalogue of a model as it is called on the Hugging Face Hub (`meta-llama/Llama-3.1-8B-Instruct`), or undefined.
 *
 * Model: publisher, case and suffixes that leave the layers as they are (tuning, number format) are dropped, one after the other.
 */
export function knownModelName(name: string): string | undefined {
  let key = name.slice(name.lastIndexOf("/") + 1).toLowerCase();
  for (;;) {
    const found = byKey.get(key);
    if (found !== undefined) return found;
    const shorter = key.replace(SUFFIX, "");
    if (shorter === key) return undefined;
    key = shorter;
  }
}

/** The published configuration of a model in the catalogue; undefined where the name is not known. */
export function knownConfig(name: string): Readonly<Record<string, unknown>> | undefined {
  const known = knownModelName(name);
  return known === undefined ? undefined : CONFIGS[known];
}

/** The architecture of a model in the catalogue; undefined where the name is not known. */
export function knownArchitecture(name: string): SequenceModel | undefined {
  const known = knownModelName(name);
  if (known === undefined) return undefined;
  const kept = read.get(known);
  if (kept !== undefined) return kept;
  const made = architectureOf(CONFIGS[known]);
  if (made.kind !== "sequence") return undefined;
  read.set(known, made);
  return made;
}
