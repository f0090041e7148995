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
import { CHECKS, type Finding, guarded, type Verdict, worstVerdict } from "./finding.ts";
import type { Subject } from "./subject.ts";
import type { CheckSummary, Validation } from "./validation.ts";

export interface ValidationTask {
  readonly device: string;
  readonly reference: string;
  readonly figures: SpeedFigures;
  readonly model?: ModelTask;
  readonly decoder?: TokenTask;
  /** Called before each check. */
  readonly onCheck?: (check: string) => void;
}

/** Holds a device against a reference and its own description. */
export async function validateDevice(subject: Subject, task: ValidationTask): Promise<Validation> {
  const cases = allCases();
  const repeated = samples();
  const findings: Finding[] = [];
  let tokens: readonly TokenDivergence[] = [];
  const tell = task.onCheck ?? (() => undefined);
  tell("operators");
  findings.push(...(await guarded("operators", "cases", () => checkOperators(subject, cases))));
  if (task.model !== undefined) {
    tell("model");
    const { model } = task;
    findings.push(...(await guarded("model", model.program.name, () => checkModel(subject, model))));
  }
  if (task.decoder !== undefined) {
    tell("tokens");
    const found = await checkTokens(subject, task.decoder);
    findings.push(found.finding);
    tokens = found.tokens;
  }
  tell("determinism");
  findings.push(...(await guarded("determinism", "samples", () => checkDeterminism(subject, repeated))));
  tell("batch invariance");
  findings.push(...(await guarded("batch", "rows", () => checkBatchInvariance(subject))));
  tell("memory");
  findings.push(...(await checkMemory(subject, repeated)));
  tell("failures");
  findings.push(...(await checkFailures(subject, repeated, cases)));
  tell("speed");
  findings.push(...(await guarded("speed", "figures", () => checkSpeed(subject, task.figures))));
  return {
    device: task.device,
    reference: task.reference,
    emulated: task.figures.device.driver === EMULATED_DRIVER,
    description: subject.device.describe(),
    referenceDescription: subject.reference.describe(),
    verdict: worstVerdict(findings),
    checks: CHECKS.flatMap((check) => summaryOf(check, findings)),
    findings,
    tokens,
    telemetry: subject.device.telemetry(),
  };
}

function summaryOf(check: CheckSummary["check"], findings: readonly Finding[]): readonly CheckSummary[] {
  const own = findings.filter((finding) => finding.check === check);
  const count = (verdict: Verdict): number => own.filter((finding) => finding.verdict === verdict).length;
  const counts = { pass: count("pass"), warn: count("warn"), fail: count("fail"), skip: count("skip") };
  return own.length === 0 ? [] : [{ check, verdict: worstVerdict(own), counts }];
}
