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
import { glm4Moe } from "./glm4-moe.ts";
import { gptOss } from "./gpt-oss.ts";
import { bamba, graniteHybrid } from "./hybrids.ts";
import { internVl } from "./internvl.ts";
import type { KnownFamily } from "./known-families.ts";
import { llama4, llama4Text } from "./llama4.ts";
import { mamba2 } from "./mamba2.ts";
import { graniteMoe, mixtral, olmoe, qwenMoe } from "./mixture-decoders.ts";
import { mllama } from "./mllama.ts";
import { opt } from "./opt.ts";
import { qwenNext } from "./qwen-next.ts";
import { qwen3Vl, qwen25Vl } from "./qwen-vl.ts";
import { vit } from "./vit.ts";
import { whisper } from "./whisper.ts";

/** Readers by `model_type`. */
const READERS: Readonly<Record<KnownFamily, (raw: unknown) => Architecture>> = {
  llama: denseDecoder,
  mistral: denseDecoder,
  qwen2: denseDecoder,
  qwen3: denseDecoder,
  phi3: denseDecoder,
  granite: denseDecoder,
  mixtral,
  qwen2_moe: qwenMoe,
  qwen3_moe: qwenMoe,
  olmoe,
  granitemoe: graniteMoe,
  granitemoeshared: graniteMoe,
  gpt_oss: gptOss,
  deepseek_v2: deepseek,
  deepseek_v3: deepseek,
  deepseek_v32: deepseek,
  kimi_k2: deepseek,
  glm4_moe: glm4Moe,
  glm_moe_dsa: deepseek,
  qwen3_next: qwenNext,
  qwen3_5_moe_text: qwenNext,
  opt,
  gemma2,
  gemma3_text: (raw) => gemma3Text(raw),
  gemma3,
  qwen2_5_vl: qwen25Vl,
  qwen3_vl: qwen3Vl,
  qwen3_vl_moe: qwen3Vl,
  internvl_chat: internVl,
  internvl: internVl,
  mllama,
  llama4_text: (raw) => llama4Text(raw),
  llama4,
  mamba2,
  bamba,
  granitemoehybrid: graniteHybrid,
  whisper,
  bert,
  vit,
  dlrm,
};

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
  const read = Object.hasOwn(READERS, family) ? READERS[family as KnownFamily] : undefined;
  if (read === undefined) throw new HeddleError("architecture-unknown", { where: "config.json, model_type", detail: family });
  return read(raw);
}
