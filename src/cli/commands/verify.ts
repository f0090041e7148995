import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { wholeNumber } from "../serving-options.ts";
import { lazyAction } from "./lazy-action.ts";

const DEFAULT_LOAD = 0.6;
const DEFAULT_SECONDS = 60;
const DEFAULT_RUNS = 40;
const SECONDS_MAX = 86_400;
const RUNS_MAX = 10_000;
const SEED_MAX = 4_294_967_295;

const HELP = `
One list of arrivals (prompts of 50 to 600 tokens, outputs of 20 to 120, at a share of the predicted capacity) runs simulated and then live, with the
same engines and policies; printed are both with the error, and whether the 90 % bars of the simulation hold what was measured. A probe of some seconds
says just before how fast the machine is now against its calibration: the simulation and the rate of the arrivals follow it, as far as it knows more than
earlier runs. A probe after the run is only shown. What the live run showed of its iterations corrects later predictions of the same plan, recent runs
before old ones (--no-learn: not).

Examples:
  heddle verify plan.json
  heddle verify plan.json --load 0.9 --seconds 120 --seed 3 --json`;

/** Adds `heddle verify`. */
export function addVerifyCommand(program: Command): void {
  program
    .command("verify")
    .description("Run one list of arrivals live and simulated, and compare.")
    .argument("<plan>", "plan file")
    .option("--load <share>", "arrivals as a share of the predicted capacity, above 0 and up to 2", share, DEFAULT_LOAD)
    .option("--seconds <n>", "length of the arrivals", wholeNumber(1, SECONDS_MAX), DEFAULT_SECONDS)
    .option("--seed <n>", "seed of arrivals and errors drawn", wholeNumber(0, SEED_MAX), 1)
    .option("--runs <n>", "simulated runs the bars are taken over", wholeNumber(1, RUNS_MAX), DEFAULT_RUNS)
    .option("--rack <file>", "rack file the plan was made for")
    .option("--no-learn", "do not keep what the live run showed")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(lazyAction(async () => (await import("../verify.ts")).verify));
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0) || value > 2) throw new InvalidArgumentError("a share above 0 and up to 2 is wanted, such as 0.6");
  return value;
}
