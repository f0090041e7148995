import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { must } from "../../../base/assert.ts";
import { HeddleError } from "../../../base/heddle-error.ts";
import { compiledEntry } from "../../discover/compiled-entry.ts";
import { CHECKS, type CheckName, type Finding } from "../finding.ts";
import { assembled } from "../validate-device.ts";
import type { Validation } from "../validation.ts";
import type { ValidationEvent, ValidationOrder } from "./validation-order.ts";

export interface BesideOptions {
  /** Longest time one call of a device may take. Units: ms. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  readonly onCheck: (check: CheckName) => void;
}

/** What is kept of the process's standard error. Units: characters. */
const STDERR_KEPT = 500;
const MS_PER_SECOND = 1000;

/**
 * Validates a device in a process of its own: one that hangs or takes its process with it becomes a finding, with what it was doing, beside what was
 * found before. The process is killed at the latest when this ends.
 *
 * Errors: what opening gave; `device-failed` where it hung or died before it was open; the signal's reason.
 */
export async function validateBeside(order: ValidationOrder, { limitMs, signal, onCheck }: BesideOptions): Promise<Validation> {
  signal.throwIfAborted();
  const child = fork(fileURLToPath(compiledEntry("validate/process/validate-entry")), [], {
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    execArgv: [],
    serialization: "advanced",
  });
  const findings: Finding[] = [];
  let opened: Extract<ValidationEvent, { readonly type: "opened" }> | undefined;
  let telemetry: Validation["telemetry"] | undefined;
  let check: CheckName = "operators";
  let calling: string | undefined;
  let stderr = "";
  let timer: NodeJS.Timeout | undefined;
  const watch = (ended: (how: string) => void): void => {
    clearTimeout(timer);
    if (calling === undefined) return;
    const what = calling;
    timer = setTimeout(() => ended(`no answer within ${limitMs / MS_PER_SECOND} s, ${what}`), limitMs);
  };
  /** What is known where the device ended the validation, instead of the rest. */
  const broken = (how: string): Validation => {
    if (opened === undefined) throw new HeddleError("device-failed", { where: order.names.device, detail: how });
    const later = CHECKS.slice(CHECKS.indexOf(check) + 1);
    const unseen = later.filter((each) => (each !== "model" && each !== "tokens") || isAsked(each, order));
    findings.push({ check, name: calling ?? "between calls", verdict: "fail", detail: how });
    for (const each of unseen)
      findings.push({ check: each, name: "all", verdict: "skip", detail: "not looked at, because the device ended the validation before" });
    const { description, referenceDescription } = opened;
    return assembled({
      ...order.names,
      figures: order.figures,
      description,
      referenceDescription,
      findings,
      tokens: [],
      telemetry: must(telemetry, "telemetry comes with what was opened"),
    });
  };
  try {
    return await new Promise<Validation>((resolve, reject) => {
      const ended = (how: string): void => {
        try {
          resolve(broken(how));
        } catch (thrown) {
          reject(thrown);
        }
      };
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        stderr = (stderr + text).slice(-STDERR_KEPT);
      });
      child.once("error", (cause) => reject(new HeddleError("internal", { detail: cause.message, cause })));
      child.once("close", (status, by) => {
        const how = by === null ? `status ${status}` : by;
        const words = stderr.trim() === "" ? "" : `; its last words: ${stderr.trim()}`;
        ended(`the device's process ended by ${how}, ${calling ?? "between calls"}${words}`);
      });
      child.on("message", (event: ValidationEvent) => {
        switch (event.type) {
          case "opened":
            opened = event;
            telemetry = event.telemetry;
            return;
          case "check":
            check = event.check;
            return onCheck(check);
          case "found":
            findings.push(...event.findings);
            telemetry = event.telemetry;
            return;
          case "call":
            calling = event.what;
            return watch(ended);
          case "done":
            return resolve(event.validation);
          case "failed":
            return reject(new HeddleError(event.code, event));
        }
      });
      child.send(order, () => undefined);
    });
  } finally {
    // What it sent before its end may still come, and would set the timer again.
    child.removeAllListeners("message");
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}

function isAsked(check: "model" | "tokens", { model }: ValidationOrder): boolean {
  return model !== undefined && (check === "model") === model.path.toLowerCase().endsWith(".onnx");
}
