import type { Command } from "commander";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
Devices that can be bought, rented or were announced, by their makers' figures, and links between them. Peaks are dense: sparsity is never counted. What
no source gives is absent. With an id, or the path of a device sheet (.yaml), every figure of one device with its source.

A device that does not exist is a device sheet of a few lines, usable wherever an id is:

  id: h100-next
  like: h100-sxm
  memory: { bandwidthBytesPerSecond: x2, capacityBytes: 160 GiB }
  scaleUp: nvlink-5

Examples:
  heddle rack catalog
  heddle rack catalog mi300x
  heddle rack catalog h100-sxm --yaml > mine.yaml`;

/** Adds `heddle rack catalog`. */
export function addCatalogCommand(rack: Command): void {
  rack
    .command("catalog")
    .description("List known devices and links, or one device with the source of every figure.")
    .argument("[device]", "id, or path of a device sheet (.yaml)")
    .option("--yaml", "print one device as a device sheet")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../rack-catalog.ts")).catalog));
}
