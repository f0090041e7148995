import { type Command, InvalidArgumentError, Option } from "commander";
import { lazyAction } from "./lazy-action.ts";

const HELP = `
A front end elsewhere uses it through the \`address\` of a device in its rack file; one at a time. What moves is not encrypted.
--role ipu needs neither a model nor a native library: every Linux host can pack, quantise, hash and pass on state.

Examples:
  heddle worker --role ipu --listen tcp://127.0.0.1:7700
  heddle worker --device gpu0 --rack rack.yaml --listen tcp://0.0.0.0:7700 --token-file token`;

/** Adds `heddle worker`. */
export function addWorkerCommand(program: Command): void {
  program
    .command("worker")
    .description("Run one device for a front end elsewhere.")
    .requiredOption("--listen <address>", "tcp://host:port (port 0: a free one) or unix:/path")
    .option("--device <name>", "the rack's device to run")
    .option("--rack <file>", "rack file with that device")
    .addOption(new Option("--role <role>", "a device that moves and converts state").choices(["ipu"]).conflicts(["device", "rack"]))
    .option("--memory <bytes>", "memory it may use (default: of the rack file; ipu: half of the machine's)", wholeBytes)
    .option("--token-file <path>", "secret shared with front ends; needed beyond loopback")
    .option("--json", "print one JSON document when ready")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../worker.ts")).work));
}

function wholeBytes(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("a whole number from 1");
}
