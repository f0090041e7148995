import { HeddleError } from "../../../base/heddle-error.ts";
import { parseJson } from "../../hf-config/hf-config.ts";
import type { Architecture } from "../architecture.ts";
import { bert } from "./bert.ts";
import { deepseek } from "./deepseek.ts";
import { denseDecoder } from "./dense-decoders.ts";
import { dlrm } from "./dlrm.ts";
import { invalidField } from "./fields.ts";
import { gemma2, gemma3Text } from "./gemma.ts";
import { gemma3 } from "./gemma3.ts";
import { gptOss } from "./gpt-oss.ts";
import { bamba, graniteHybrid } from "./hybrids.ts";
import { llama4, llama4Text } from "./llama4.ts";
import { mamba2 } from "./mamba2.ts";
import { graniteMoe, mixtral, olmoe, qwenMoe } from "./mixture-decoders.ts";
import { opt } from "./opt.ts";
import { qwenNext } from "./qwen-next.ts";
import { vit } from "./vit.ts";
import { whisper } from "./whisper.ts";

/** Readers by `model_type`. */
const READERS: ReadonlyMap<string, (raw: unknown) => Architecture> = new Map<string, (raw: unknown) => Architecture>([
  ...["llama", "mistral", "qwen2", "qwen3", "phi3", "granite"].map((family) => [family, denseDecoder] as const),
  ["mixtral", mixtral],
  ["qwen2_moe", qwenMoe],
  ["qwen3_moe", qwenMoe],
  ["olmoe", olmoe],
  ["granitemoe", graniteMoe],
  ["granitemoeshared", graniteMoe],
  ["gpt_oss", gptOss],
  ["deepseek_v2", deepseek],
  ["deepseek_v3", deepseek],
  ["kimi_k2", deepseek],
  ["glm_moe_dsa", deepseek],
  ["qwen3_next", qwenNext],
  ["qwen3_5_moe_text", qwenNext],
  ["opt", opt],
  ["gemma2", gemma2],
  ["gemma3_text", (raw) => gemma3Text(raw)],
  ["gemma3", gemma3],
  ["llama4_text", (raw) => llama4Text(raw)],
  ["llama4", llama4],
  ["mamba2", mamba2],
  ["bamba", bamba],
  ["granitemoehybrid", graniteHybrid],
  ["whisper", whisper],
  ["bert", bert],
  ["vit", vit],
  ["dlrm", dlrm],
]);

/** Families whose layers are known, by `model_type`. */
export const KNOWN_FAMILIES: readonly string[] = [...READERS.keys()];

/**
 * What a configuration file describes.
 *
 * Errors: `model-config-invalid` naming the field; `architecture-unknown` naming `model_type` or the setting whose layers are not known.
 */
export function readArchitecture(text: string): Architecture {
  return architectureOf(parseJson(text, "config.json"));
}

/** The same from a configuration already parsed. */
export function architectureOf(raw: unknown): Architecture {
  const family = typeof raw === "object" && raw !== null && "model_type" in raw ? raw.model_type : undefined;
  if (typeof family !== "string") throw invalidField("model_type", "it is missing");
  const read = READERS.get(family);
  if (read === undefined) throw new HeddleError("architecture-unknown", { where: "config.json, model_type", detail: family });
  return read(raw);
}
