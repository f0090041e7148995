import { DYNAMO_FRONTEND_OPTIONS } from "./generated/dynamo-frontend.ts";
import { DYNAMO_SGLANG_OPTIONS } from "./generated/dynamo-sglang.ts";
import { DYNAMO_TRTLLM_OPTIONS } from "./generated/dynamo-trtllm.ts";
import { DYNAMO_VLLM_OPTIONS } from "./generated/dynamo-vllm.ts";
import { SGLANG_OPTIONS } from "./generated/sglang.ts";
import { SGLANG_ROUTER_OPTIONS } from "./generated/sglang-router.ts";
import { VLLM_OPTIONS } from "./generated/vllm.ts";
import { VLLM_ROUTER_OPTIONS } from "./generated/vllm-router.ts";
import { type OptionList, optionList, parseOptionLines } from "./option-list.ts";
import type { CommandName } from "./read/read-package.ts";
import { TRTLLM_OPTIONS } from "./trtllm-options.ts";

const WRITTEN: Readonly<Record<CommandName, { readonly version: string; readonly lines: string }>> = {
  vllm: VLLM_OPTIONS,
  sglang: SGLANG_OPTIONS,
  trtllm: TRTLLM_OPTIONS,
  "vllm-router": VLLM_ROUTER_OPTIONS,
  "sglang-router": SGLANG_ROUTER_OPTIONS,
  "dynamo-vllm": DYNAMO_VLLM_OPTIONS,
  "dynamo-sglang": DYNAMO_SGLANG_OPTIONS,
  "dynamo-trtllm": DYNAMO_TRTLLM_OPTIONS,
  "dynamo-frontend": DYNAMO_FRONTEND_OPTIONS,
};

/** The list of a command's options that heddle keeps, with the version it was read from. */
export function writtenList(command: CommandName): OptionList {
  const { version, lines } = WRITTEN[command];
  return optionList(version, "written", parseOptionLines(lines));
}
