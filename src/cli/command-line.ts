import { Command, CommanderError } from "commander";
import { ERROR_CODES } from "../base/error-codes.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { version } from "../version.ts";
import { faultOf } from "./file-fault.ts";

/** Every command with its definition, loaded when it is named; what a command does is loaded when it runs (`commands/lazy-action.ts`). */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "up", add: async (program) => (await import("./commands/up.ts")).addUpCommand(program) },
  { name: "run", add: async (program) => (await import("./commands/run.ts")).addRunCommand(program) },
  { name: "serve", add: async (program) => (await import("./commands/serve.ts")).addServeCommand(program) },
  { name: "inspect", add: async (program) => (await import("./commands/inspect.ts")).addInspectCommand(program) },
  { name: "partition", add: async (program) => (await import("./commands/partition.ts")).addPartitionCommand(program) },
  { name: "execute", add: async (program) => (await import("./commands/execute.ts")).addExecuteCommand(program) },
  { name: "model", add: async (program) => (await import("./commands/model.ts")).addModelCommand(program) },
  { name: "driver", add: async (program) => (await import("./commands/driver.ts")).addDriverCommand(program) },
  { name: "rack", add: async (program) => (await import("./commands/rack.ts")).addRackCommand(program) },
  { name: "train-step", add: async (program) => (await import("./commands/train-step.ts")).addTrainStepCommand(program) },
  { name: "calibrate", add: async (program) => (await import("./commands/calibrate.ts")).addCalibrateCommand(program) },
  { name: "plan", add: async (program) => (await import("./commands/plan.ts")).addPlanCommand(program) },
  { name: "simulate", add: async (program) => (await import("./commands/simulate.ts")).addSimulateCommand(program) },
  { name: "import", add: async (program) => (await import("./commands/import.ts")).addImportCommand(program) },
  { name: "what-if", add: async (program) => (await import("./commands/what-if.ts")).addWhatIfCommand(program) },
  { name: "sweep", add: async (program) => (await import("./commands/sweep.ts")).addSweepCommand(program) },
  { name: "verify", add: async (program) => (await import("./commands/verify.ts")).addVerifyCommand(program) },
  { name: "validate", add: async (program) => (await import("./commands/validate.ts")).addValidateCommand(program) },
  { name: "worker", add: async (program) => (await import("./commands/worker.ts")).addWorkerCommand(program) },
  { name: "validate-device", add: async (program) => (await import("./commands/validate-device.ts")).addValidateDeviceCommand(program) },
  { name: "replay", add: async (program) => (await import("./commands/replay.ts")).addReplayCommand(program) },
];

export interface CommandEntry {
  readonly name: string;
  readonly add: (program: Command) => Promise<void>;
}

/**
 * Runs a command line as Node gives it (`["node", "heddle", …]`); what it prints goes to the process's streams.
 *
 * Returns the exit status of the table of errors, or the one that a command set. Errors: none; each is printed.
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  const program = new Command("heddle")
    .description("Turns a rack of unlike devices into one programmable machine for AI inference.")
    .version(version)
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  if (argv.length === 2) return printFirstScreen();
  const named = COMMANDS.filter((entry) => entry.name === argv[2]);
  for (const entry of named.length > 0 ? named : COMMANDS) await entry.add(program);
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) return report(faultOf(thrown), argv.includes("--json"));
    if (thrown.exitCode === 0) return 0;
    // The help of a command that has only others below it is printed already.
    if (thrown.code === "commander.help") return ERROR_CODES.usage.exit;
    return report(misuse(thrown, commandOf(program, argv.slice(2))), argv.includes("--json"));
  }
}

/** Names of the commands that the words begin with. */
function commandOf(program: Command, [first, ...rest]: readonly string[]): readonly string[] {
  const command = program.commands.find((one) => one.name() === first);
  return command === undefined ? [] : [command.name(), ...commandOf(command, rest)];
}

/** What commander found wrong with a command line. */
function misuse({ message }: CommanderError, command: readonly string[]): HeddleError {
  const detail = message.replace(/^error: /, "").replaceAll("\n", " ");
  return new HeddleError("usage", command.length === 0 ? { detail } : { where: command.join(" "), detail });
}

async function printFirstScreen(): Promise<number> {
  const { firstScreen } = await import("./first-screen.ts");
  process.stdout.write(`${firstScreen()}\n`);
  return 0;
}

/** Prints one clear error and gives the exit status of the table. */
function report(error: HeddleError, json: boolean): number {
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
