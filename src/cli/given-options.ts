import type { Command } from "commander";
import { HeddleError } from "../base/heddle-error.ts";

/** Options that the command line names, as the program reads them (`replicaDevices`). */
export function givenOptions(command: Command): string[] {
  return Object.keys(command.opts()).filter((name) => command.getOptionValueSource(name) === "cli");
}

/** An option as it is written: `--replica-devices`. */
export function optionText(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** Refuses options that would change nothing. Errors: `usage` naming the first of them that was given, with the reason. */
export function refuseGiven(command: Command, idle: readonly string[], detail: string): void {
  const found = givenOptions(command).find((name) => idle.includes(name));
  if (found !== undefined) throw new HeddleError("usage", { where: optionText(found), detail });
}
