import type { Device } from "../rack/rack.ts";
import type { PlanError, PlanRequest, StagePin } from "./plan-request.ts";

/**
 * Drivers whose execution boundary is the whole model and whose state is handed over by whole sequences: they take no range of layers and keep no
 * sealed blocks. The conformance suite holds what drivers declare against this list.
 */
const WHOLE_MODEL_DRIVERS: readonly string[] = ["llama"];

/** Whether a driver takes whole models only. */
export function wholeModelDriver(driver: string): boolean {
  return WHOLE_MODEL_DRIVERS.includes(driver);
}

/** Whether a device takes whole models only. */
export function isWholeModel({ driver }: Pick<Device, "driver">): boolean {
  return wholeModelDriver(driver);
}

/** The first whole-model device that a pin names. */
export function wholePin({ rack, options }: Pick<PlanRequest, "rack" | "options">): Device | undefined {
  const named = (options?.pins ?? []).flatMap(({ device }) => rack.devices.filter(({ id }) => id === device));
  return named.find(isWholeModel);
}

type PinError = Extract<PlanError, { code: "pin-impossible" }>;

/** The first choice that cannot be kept beside a pin on a device that runs only whole models. */
export function checkWholePins({ model, options = {} }: PlanRequest, { id, driver }: Device): PinError | undefined {
  const whole = `${driver} takes all layers or none: --pin 0=${id} alone, with one stage in one replica`;
  const impossible = (pin: string, possible: string): PinError => ({ code: "pin-impossible", pin, possible });
  for (const pin of options.pins ?? []) {
    if (pin.device !== id || pin.stage !== 0 || (pin.replica ?? 0) !== 0) return impossible(`--pin ${textOf(pin)}`, whole);
  }
  if ((options.stages ?? 1) !== 1) return impossible(`--stages ${options.stages}`, whole);
  if ((options.replicas ?? 1) !== 1) return impossible(`--replicas ${options.replicas}`, whole);
  for (const [flag, format] of [
    ["--prefill-format", options.prefillFormat],
    ["--decode-format", options.decodeFormat],
  ] as const) {
    if (format !== undefined) return impossible(`${flag} ${format}`, `${id} computes in the file's own weights: leave the format out`);
  }
  if (options.policy?.kvReuse === "any") return impossible("--kv-reuse any", `${driver} keeps no blocks to reuse: leave it out`);
  if (model.fileBytes === undefined) return impossible(`--pin 0=${id}`, `${driver} reads one GGUF file, and the model is a folder`);
  return undefined;
}

function textOf({ replica, stage, device }: StagePin): string {
  return `${replica === undefined ? "" : `${replica}.`}${stage}=${device}`;
}
