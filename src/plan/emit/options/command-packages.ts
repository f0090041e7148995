import type { CommandName } from "./read/read-package.ts";

/** The package of PyPI that declares a command's options. A Dynamo worker takes all options of its engine too. */
export const COMMAND_PACKAGES: Readonly<Record<CommandName, string>> = {
  vllm: "vllm",
  sglang: "sglang",
  trtllm: "tensorrt-llm",
  "vllm-router": "vllm-router",
  "sglang-router": "sglang-router",
  "dynamo-vllm": "ai-dynamo",
  "dynamo-sglang": "ai-dynamo",
  "dynamo-trtllm": "ai-dynamo",
  "dynamo-frontend": "ai-dynamo",
};

/** The command whose options a Dynamo worker takes besides its own. */
export const ENGINE_OF_WORKER: Readonly<Partial<Record<CommandName, CommandName>>> = { "dynamo-vllm": "vllm", "dynamo-sglang": "sglang" };
