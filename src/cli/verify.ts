import { planCosts } from "../execute/fleet-host/plan-costs.ts";
import { whileMeasuring } from "../execute/lock-file/while-measuring.ts";
import { note, printResult } from "./output.ts";
import { openPlan } from "./plan-input.ts";
import { withShareProgress } from "./share-progress.ts";
import { verificationText } from "./verify-report.ts";
import { learnFrom, verifyPlan } from "./verify-run.ts";

interface VerifyFlags {
  readonly load: number;
  readonly seconds: number;
  readonly seed: number;
  readonly runs: number;
  readonly rack?: string;
  readonly learn: boolean;
  readonly json?: boolean;
}

export async function verify(path: string, flags: VerifyFlags): Promise<void> {
  const opened = openPlan(path, flags.rack);
  const { load, seconds, seed, runs } = flags;
  const verification = await withShareProgress("verifying", (run) =>
    // Priced when it is this process's turn: a verification before it may have taught something.
    whileMeasuring(run, () => {
      const input = { ...opened, costs: planCosts(opened.plan, opened.model, opened.rack) };
      return verifyPlan(input, { load, seconds, seed, runs, ...run });
    }),
  );
  const { observed, ...shown } = verification;
  printResult(flags.json === true, shown, () => verificationText(verification));
  if (!flags.learn) return;
  await learnFrom(opened, observed);
  note("what the live run showed is kept; the next prediction of this plan uses it");
}
