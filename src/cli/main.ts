#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { ERROR_CODES } from "../base/error-codes.ts";
import { toHeddleError } from "../base/heddle-error.ts";
import { version } from "../version.ts";

/** Every command with its module; a command is loaded when it is named, so that `heddle --help` starts at once. */
const COMMANDS: readonly CommandEntry[] = [
  { name: "up", add: async (program) => (await import("./up.ts")).addUpCommand(program) },
  { name: "run", add: async (program) => (await import("./run.ts")).addRunCommand(program) },
  { name: "serve", add: async (program) => (await import("./serve.ts")).addServeCommand(program) },
  { name: "inspect", add: async (program) => (await import("./inspect.ts")).addInspectCommand(program) },
  { name: "partition", add: async (program) => (await import("./partition.ts")).addPartitionCommand(program) },
  { name: "execute", add: async (program) => (await import("./execute.ts")).addExecuteCommand(program) },
  { name: "model", add: async (program) => (await import("./model.ts")).addModelCommand(program) },
  { name: "driver", add: async (program) => (await import("./driver.ts")).addDriverCommand(program) },
  { name: "rack", add: async (program) => (await import("./rack.ts")).addRackCommand(program) },
  { name: "train-step", add: async (program) => (await import("./train-step.ts")).addTrainStepCommand(program) },
  { name: "calibrate", add: async (program) => (await import("./calibrate.ts")).addCalibrateCommand(program) },
  { name: "plan", add: async (program) => (await import("./plan.ts")).addPlanCommand(program) },
  { name: "simulate", add: async (program) => (await import("./simulate.ts")).addSimulateCommand(program) },
  { name: "import", add: async (program) => (await import("./import.ts")).addImportCommand(program) },
  { name: "what-if", add: async (program) => (await import("./what-if.ts")).addWhatIfCommand(program) },
  { name: "sweep", add: async (program) => (await import("./sweep.ts")).addSweepCommand(program) },
  { name: "verify", add: async (program) => (await import("./verify.ts")).addVerifyCommand(program) },
  { name: "validate", add: async (program) => (await import("./validate.ts")).addValidateCommand(program) },
  { name: "worker", add: async (program) => (await import("./worker.ts")).addWorkerCommand(program) },
  { name: "validate-device", add: async (program) => (await import("./validate-device.ts")).addValidateDeviceCommand(program) },
  { name: "replay", add: async (program) => (await import("./replay.ts")).addReplayCommand(program) },
];

interface CommandEntry {
  readonly name: string;
  readonly add: (program: Command) => Promise<void>;
}

// Whoever reads a pipe may stop when it has seen enough, such as `head`: that is no error, and nothing more is wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});
process.exitCode = await main(process.argv);

async function main(argv: readonly string[]): Promise<number> {
  const program = new Command("heddle")
    .description("Turns a rack of unlike devices into one programmable machine for AI inference.")
    .version(version)
    .exitOverride();
  if (argv.length === 2) return printFirstScreen();
  const named = COMMANDS.filter((entry) => entry.name === argv[2]);
  for (const entry of named.length > 0 ? named : COMMANDS) await entry.add(program);
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    return report(thrown, argv.includes("--json"));
  }
}

async function printFirstScreen(): Promise<number> {
  const { firstScreen } = await import("./first-screen.ts");
  process.stdout.write(`${firstScreen()}\n`);
  return 0;
}

/** Prints one clear error and gives the exit status of the table. */
function report(thrown: unknown, json: boolean): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : ERROR_CODES.usage.exit;
  const error = toHeddleError(thrown);
  const row = ERROR_CODES[error.code];
  if (json) {
    const { code, message, where, detail } = error;
    process.stdout.write(`${JSON.stringify({ error: { code, message, where, detail, todo: row.todo } }, null, 2)}\n`);
  } else {
    process.stderr.write(`heddle: ${error.message} [${error.code}]\n  what to do: ${row.todo}\n`);
    if (error.code === "internal" && error.cause instanceof Error) process.stderr.write(`${error.cause.stack ?? ""}\n`);
  }
  return row.exit;
}
