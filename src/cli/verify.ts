import { planCosts } from "../execute/fleet-host/plan-costs.ts";
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
  const input = { ...opened, costs: planCosts(opened.plan, opened.model, opened.rack) };
  const { load, seconds, seed, runs } = flags;
  const verification = await withShareProgress("verifying", ({ signal, onProgress }) =>
    verifyPlan(input, { load, seconds, seed, runs, signal, onProgress }),
  );
  const { observed, ...shown } = verification;
  printResult(flags.json === true, shown, () => verificationText(verification));
  if (!flags.learn) return;
  learnFrom(opened, observed);
  note("what the live run showed is kept; the next prediction of this plan uses it");
}
