import { decodeFormats } from "../cost/operator-cost.ts";
import type { ComputeFormat, Device } from "../rack/rack.ts";
import { isPaged, KERNEL_DRIVERS_TEXT, kernelShapeRefusal, promptFormats, promptRefusal } from "./kernel-stages.ts";
import type { PlanError, PlanOptions, PlanRequest, StagePin } from "./plan-request.ts";
import { isWholeModel } from "./whole-model.ts";

/** Bounds on what a plan may hold. */
export const STAGES_MAX = 64;
export const REPLICAS_MAX = 64;
const SEQUENCES_MAX = 1024;
const CONTEXT_MIN = 2;

type PinError = Extract<PlanError, { code: "pin-impossible" }>;

/** The first pinned choice that cannot be kept whatever the rest of the plan, with what would be possible. */
export function checkPins(request: PlanRequest, usable: readonly Device[]): PinError | undefined {
  const options = request.options ?? {};
  return (
    checkCounts(request, options) ?? checkDevices(request, usable) ?? checkFormats(options, usable) ?? checkKernelShape(request, usable)
  );
}

function checkCounts({ model }: PlanRequest, options: PlanOptions): PinError | undefined {
  const { replicas, stages, maxSequences, contextLimit, kvMemoryBytes } = options;
  return (
    outside("--replicas", replicas, 1, REPLICAS_MAX) ??
    outside("--stages", stages, 1, Math.min(STAGES_MAX, model.spec.layers)) ??
    outside("--max-sequences", maxSequences, 1, SEQUENCES_MAX) ??
    outside("--context", contextLimit, CONTEXT_MIN, model.spec.contextLength) ??
    outside("--kv-memory", kvMemoryBytes, 1, Number.MAX_SAFE_INTEGER) ??
    checkPinIndices(options, model.spec.layers)
  );
}

function outside(pin: string, value: number | undefined, low: number, high: number): PinError | undefined {
  if (value === undefined || (Number.isInteger(value) && value >= low && value <= high)) return undefined;
  return { code: "pin-impossible", pin: `${pin} ${value}`, possible: `a whole number from ${low} to ${high}` };
}

function checkPinIndices({ pins = [], replicas, stages }: PlanOptions, layers: number): PinError | undefined {
  const stagesMax = stages ?? Math.min(STAGES_MAX, layers);
  const replicasMax = replicas ?? REPLICAS_MAX;
  for (const pin of pins) {
    if (pin.stage < 0 || pin.stage >= stagesMax) return impossible(pin, `stages 0 to ${stagesMax - 1}`);
    if (pin.replica !== undefined && (pin.replica < 0 || pin.replica >= replicasMax))
      return impossible(pin, `replicas 0 to ${replicasMax - 1}`);
    const other = pins.find((one) => one !== pin && one.stage === pin.stage && one.replica === pin.replica && one.device !== pin.device);
    if (other !== undefined) return impossible(pin, `one device a stage; it is pinned to ${other.device} too`);
  }
  return undefined;
}

function checkDevices({ options, rack }: PlanRequest, usable: readonly Device[]): PinError | undefined {
  for (const pin of options?.pins ?? []) {
    if (usable.some((device) => device.id === pin.device)) continue;
    const why = rack.devices.some(({ id }) => id === pin.device) ? `${pin.device} has no calibration, which a plan needs; ` : "";
    const whole = rack.devices.filter(isWholeModel).map(({ id }) => id);
    const alone = whole.length === 0 ? "" : `; for the whole model ${whole.join(", ")}`;
    return impossible(pin, `${why}the devices ${usable.map((device) => device.id).join(", ")}${alone}`);
  }
  return undefined;
}

/** Formats must be measured on some device of the rack, and on those that stages are pinned to. */
function checkFormats({ prefillFormat, decodeFormat, pins = [] }: PlanOptions, usable: readonly Device[]): PinError | undefined {
  const pinned = pins.map((pin): FormatScope => {
    return { on: pin.device, devices: usable.filter(({ id }) => id === pin.device), beside: ` --pin ${pinText(pin)}` };
  });
  for (const scope of [{ on: "this rack", devices: usable, beside: "" }, ...pinned]) {
    const { devices } = scope;
    const fault =
      unmeasured("--prefill-format", prefillFormat, { ...scope, held: devices.flatMap(promptFormats) }) ??
      unmeasured("--decode-format", decodeFormat, { ...scope, held: devices.flatMap(decodeFormats) });
    if (fault !== undefined) return fault;
  }
  return prefillFormat === "block-int8" && decodeFormat !== undefined && decodeFormat !== "block-int8"
    ? { code: "pin-impossible", pin: `--prefill-format ${prefillFormat}`, possible: "--decode-format block-int8: their rows share steps" }
    : undefined;
}

/** Asked for where only heddle's own kernels compute in it, their format is refused with the reason; where the planner chooses, it takes another. */
function checkKernelShape({ model, options }: PlanRequest, usable: readonly Device[]): PinError | undefined {
  const prompts = options?.prefillFormat === "block-int8";
  const own = (prompts || options?.decodeFormat === "block-int8") && !usable.some(({ driver }) => isPaged(driver, "block-int8"));
  const refused = own ? kernelShapeRefusal(model.spec) : undefined;
  return refused === undefined
    ? undefined
    : {
        code: "pin-impossible",
        pin: `${prompts ? "--prefill-format" : "--decode-format"} block-int8`,
        possible: `another format: ${refused}`,
      };
}

/** Devices that a format is looked for on, and the pin that names them. */
interface FormatScope {
  readonly on: string;
  readonly devices: readonly Device[];
  readonly beside: string;
}

function unmeasured(
  flag: string,
  format: ComputeFormat | undefined,
  { on, devices, beside, held }: FormatScope & { readonly held: readonly ComputeFormat[] },
): PinError | undefined {
  if (format === undefined || held.includes(format)) return undefined;
  const possible = `formats measured on ${on}: ${[...new Set(held)].join(", ")}`;
  const prompts = (device: Device): readonly string[] => {
    const refusal =
      flag === "--prefill-format" ? promptRefusal({ ...device, prefillFormat: "block-int8", decodeFormat: "block-int8" }) : undefined;
    return refusal === undefined ? kernelRefusal(device) : [`${device.id} refused: ${refusal}`];
  };
  const refused = format === "block-int8" ? devices.flatMap(prompts) : [];
  return { code: "pin-impossible", pin: `${flag} ${format}${beside}`, possible: [possible, ...refused].join("; ") };
}

/** Why a device has no decode kernels. */
function kernelRefusal({ id, driver, calibration }: Device): readonly string[] {
  const kernels = calibration?.kernels;
  if (kernels === undefined) return [`${id} has none measured: ${KERNEL_DRIVERS_TEXT} have them, and this is ${driver}`];
  return "refused" in kernels ? [`${id} refused: ${kernels.refused}`] : [];
}

function impossible(pin: StagePin, possible: string): PinError {
  return { code: "pin-impossible", pin: `--pin ${pinText(pin)}`, possible };
}

/** A pin as it is given on the command line: `stage=device` or `replica.stage=device`. */
export function pinText({ replica, stage, device }: StagePin): string {
  return `${replica === undefined ? "" : `${replica}.`}${stage}=${device}`;
}

/** Device a stage is pinned to, if any; a pin of one replica before one of all. */
export function pinnedDevice(pins: readonly StagePin[], replica: number, stage: number): string | undefined {
  const own = pins.find((pin) => pin.replica === replica && pin.stage === stage);
  return (own ?? pins.find((pin) => pin.replica === undefined && pin.stage === stage))?.device;
}

/** The options without one of the pinned choices, for each of them: what the plan would be otherwise. */
export function withoutEachPin(options: PlanOptions): readonly { readonly pin: string; readonly options: PlanOptions }[] {
  const { pins = [], ...rest } = options;
  const loosened = pins.map((pin) => ({
    pin: `--pin ${pinText(pin)}`,
    options: { ...rest, pins: pins.filter((other) => other !== pin) },
  }));
  const without = (key: "replicas" | "stages" | "prefillFormat" | "decodeFormat", flag: string): void => {
    if (options[key] === undefined) return;
    const { [key]: value, ...others } = options;
    loosened.push({ pin: `${flag} ${value}`, options: others as typeof rest & { pins: StagePin[] } });
  };
  without("replicas", "--replicas");
  without("stages", "--stages");
  without("prefillFormat", "--prefill-format");
  without("decodeFormat", "--decode-format");
  return loosened;
}
