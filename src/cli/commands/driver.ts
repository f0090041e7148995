import type { Command } from "commander";
import { HeddleError } from "../../base/heddle-error.ts";

/** Native libraries heddle can fetch; the others come with npm. */
const FETCHED: Readonly<Record<string, () => Promise<string>>> = {
  openvino: async () => (await import("../../execute/drivers/openvino/fetch-library.ts")).fetchOpenvino(),
};

const PULL_HELP = `
openvino: the libraries of the pinned wheel of the Python Package Index (59 MB, with pip), into heddle's cache. Where OpenVINO is installed already
(HEDDLE_OPENVINO, pip, a system package), that one is used and nothing needs to be fetched.

Example:
  heddle driver pull openvino`;

/** Adds `heddle driver pull`. */
export function addDriverCommand(program: Command): void {
  const driver = program.command("driver").description("Fetch native libraries that npm does not bring.");
  driver
    .command("pull")
    .description("Fetch a driver's library into the local cache and print its folder.")
    .argument("<name>", `one of: ${Object.keys(FETCHED).join(", ")}`)
    .option("--json", "print one JSON document")
    .addHelpText("after", PULL_HELP)
    .action(async (name: string, options: { json?: boolean }) => {
      const fetch = Object.hasOwn(FETCHED, name) ? FETCHED[name] : undefined;
      if (fetch === undefined) throw new HeddleError("usage", { where: name, detail: `drivers: ${Object.keys(FETCHED).join(", ")}` });
      const path = await fetch();
      const { printResult } = await import("../output.ts");
      printResult(options.json === true, { name, path }, () => path);
    });
}
