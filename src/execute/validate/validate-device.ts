import { EMULATED_DRIVER } from "../../rack/emulation-check.ts";
import { allCases } from "./cases/all-cases.ts";
import { checkBatchInvariance } from "./checks/batch-check.ts";
import { checkDeterminism } from "./checks/determinism-check.ts";
import { checkFailures } from "./checks/failure-check.ts";
import { checkMemory } from "./checks/memory-check.ts";
import { checkModel, type ModelTask } from "./checks/model-check.ts";
import { checkOperators } from "./checks/operator-check.ts";
import { samples } from "./checks/samples.ts";
import { checkSpeed, type SpeedFigures } from "./checks/speed-check.ts";
import { checkTokens, type TokenDivergence, type TokenTask } from "./checks/token-check.ts";
import { CHECKS, type CheckName, type Finding, guarded, type Verdict, worstVerdict } from "./finding.ts";
import type { Subject } from "./subject.ts";
import type { CheckSummary, Validation } from "./validation.ts";

export interface ValidationTask {
  readonly device: string;
  readonly reference: string;
  readonly figures: SpeedFigures;
  readonly model?: ModelTask;
  readonly decoder?: TokenTask;
  /** Called before each check. */
  readonly onCheck?: (check: CheckName) => void;
  /** Called with what was found, as it comes. */
  readonly onFindings?: (findings: readonly Finding[]) => void;
}

/** Holds a device against a reference and its own description. */
export async function validateDevice(subject: Subject, task: ValidationTask): Promise<Validation> {
  const cases = allCases();
  const repeated = samples();
  const findings: Finding[] = [];
  let tokens: readonly TokenDivergence[] = [];
  const tell = task.onCheck ?? (() => undefined);
  const add = (found: readonly Finding[]): void => {
    findings.push(...found);
    task.onFindings?.(found);
  };
  tell("operators");
  for (const each of cases) add(await guarded("operators", each.name, () => checkOperators(subject, [each])));
  if (task.model !== undefined) {
    tell("model");
    const { model } = task;
    add(await guarded("model", model.program.name, () => checkModel(subject, model)));
  }
  if (task.decoder !== undefined) {
    tell("tokens");
    const found = await checkTokens(subject, task.decoder);
    add([found.finding]);
    tokens = found.tokens;
  }
  tell("determinism");
  add(await guarded("determinism", "samples", () => checkDeterminism(subject, repeated)));
  tell("batch");
  add(await guarded("batch", "rows", () => checkBatchInvariance(subject)));
  tell("memory");
  add(await checkMemory(subject, repeated));
  tell("failure");
  add(await checkFailures(subject, repeated, cases));
  tell("speed");
  add(await guarded("speed", "figures", () => checkSpeed(subject, task.figures)));
  const { device, reference, figures } = task;
  return assembled({
    device,
    reference,
    figures,
    description: subject.device.describe(),
    referenceDescription: subject.reference.describe(),
    findings,
    tokens,
    telemetry: subject.device.telemetry(),
  });
}

/** A validation of what was found. */
export function assembled({
  figures,
  ...seen
}: Omit<Validation, "emulated" | "verdict" | "checks"> & { readonly figures: SpeedFigures }): Validation {
  return {
    ...seen,
    emulated: figures.device.driver === EMULATED_DRIVER,
    verdict: worstVerdict(seen.findings),
    checks: CHECKS.flatMap((check) => summaryOf(check, seen.findings)),
  };
}

function summaryOf(check: CheckSummary["check"], findings: readonly Finding[]): readonly CheckSummary[] {
  const own = findings.filter((finding) => finding.check === check);
  const count = (verdict: Verdict): number => own.filter((finding) => finding.verdict === verdict).length;
  const counts = { pass: count("pass"), warn: count("warn"), fail: count("fail"), skip: count("skip") };
  return own.length === 0 ? [] : [{ check, verdict: worstVerdict(own), counts }];
}
