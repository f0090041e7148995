import { totalmem } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import type { CheckName } from "../execute/validate/finding.ts";
import { validateBeside } from "../execute/validate/process/validate-beside.ts";
import type { OpenedRow, ValidationOrder } from "../execute/validate/process/validation-order.ts";
import type { Validation } from "../execute/validate/validation.ts";
import { rackAtPace } from "../rack/emulated-pace.ts";
import type { Device, Rack } from "../rack/rack.ts";
import { collected } from "./model-options.ts";
import { note, printResult } from "./output.ts";
import { readRackFile } from "./rack.ts";
import { abortOnSignal } from "./serve-until-signal.ts";
import { validationPage } from "./validate/validation-page.ts";
import { validationText } from "./validate/validation-text.ts";
import { CHECK_TITLES } from "./validate/words.ts";

interface ValidateFlags {
  readonly rack?: string;
  readonly model?: string;
  readonly text: string;
  readonly size: readonly string[];
  readonly reference: string;
  readonly limit: string;
  readonly json?: boolean;
  readonly html?: string;
}

/** Exit status where the device failed a check. */
const FAILED = 1;
/** Of the machine's memory, what a device without a row may use. */
const HOST_SHARE = 0.5;
const MS_PER_SECOND = 1000;
/** Compilers of large stages take their time. Units: s. */
const LIMIT = "120";
const TEXT =
  "A loom holds the warp under tension while the weft is passed through it. The heddle lifts some threads and leaves others, so that the shuttle finds its way; " +
  "what is lifted, and when, is the pattern. A machine made of unlike parts is woven in the same way.";

const HELP = `
Holds a device against a reference and against its own description: every operator it accepts of a table of small cases (odd sizes, several types), every
distinct operator and the outputs of --model, tokens of a decoder (GGUF, Hugging Face folder), the same bits over runs, a row alone and among others,
memory (limit, leaks), refusals, and speed. Operators that the device refuses are no failure; what it accepts must compile, run and be right. How far a
result may be off follows from the formats the device says it computes in.

<device> is an id of the rack file; without --rack it is a driver, or driver:target (ort:webgpu). Results of emulated devices say nothing of the
accuracy of those they are named after.

Exit status: 0 where no check failed, 1 where one did; others as for every command.

Examples:
  heddle validate-device ort-wasm
  heddle validate-device dataflow --rack examples/racks/emulated-desk.yaml --html dataflow.html
  heddle validate-device ort-wasm --model model.onnx --size batch=3 --json`;

/** Adds `heddle validate-device`. */
export function addValidateDeviceCommand(program: Command): void {
  program
    .command("validate-device")
    .description("Hold a device against a reference and against its own description, check by check.")
    .argument("<device>", "id in the rack file, or a driver")
    .option("--rack <file>", "rack file that describes the device")
    .option("--model <file>", "also this ONNX model or decoder (GGUF, Hugging Face folder)")
    .option("--size <name=n>", "a size that the ONNX model leaves open (default: 2); once for each", collected, [])
    .option("--text <text>", "text that a decoder is given", TEXT)
    .option("--reference <device>", "what it is held against: an id in the rack file, or a driver", "ort")
    .option("--limit <seconds>", "how long one call of the device may take before it counts as hanging", LIMIT)
    .option("--html <file>", "write a report as one page")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(validate);
}

async function validate(id: string, flags: ValidateFlags): Promise<void> {
  const limitMs = secondsFrom(flags.limit) * MS_PER_SECOND;
  const sizes = Object.fromEntries(flags.size.map(sizeFrom));
  const rack = flags.rack === undefined ? undefined : readRackFile(flags.rack);
  const row = rack === undefined ? driverRow(id) : (rackRow(id, rack) ?? missing(id, rack));
  const referenceRow = (rack && rackRow(flags.reference, rack)) ?? driverRow(flags.reference);
  const order: ValidationOrder = {
    device: openedRow(row),
    reference: openedRow(referenceRow),
    names: { device: id, reference: flags.reference },
    figures: { device: row.atPace, bandwidthBytesPerSecond: row.bandwidthBytesPerSecond },
    ...(flags.model === undefined ? {} : { model: { path: flags.model, sizes, text: flags.text } }),
  };
  const { signal, release } = abortOnSignal();
  let validation: Validation;
  try {
    const onCheck = (check: CheckName): void => note(`checking: ${CHECK_TITLES[check].toLowerCase()}`);
    validation = await validateBeside(order, { limitMs, signal, onCheck });
  } finally {
    release();
  }
  printResult(flags.json === true, validation, () => validationText(validation));
  if (flags.html !== undefined) writeWhole(flags.html, validationPage(validation));
  if (validation.verdict === "fail") process.exitCode = FAILED;
}

interface Row {
  readonly device: Device;
  /** Its figures in the time it is run in. */
  readonly atPace: Device;
  readonly memoryBytes: number;
  readonly bandwidthBytesPerSecond: number | undefined;
}

/** A driver, or driver:target, on this machine. */
function driverRow(name: string): Row {
  const [driver = name, target] = /[\\/]/.test(name) ? [name] : name.split(":");
  const device: Device = {
    id: name,
    kind: "cpu",
    driver,
    ...(target === undefined ? {} : { target }),
    threads: 1,
    cores: [0],
    memory: "host",
  };
  return { device, atPace: device, memoryBytes: Math.floor(totalmem() * HOST_SHARE), bandwidthBytesPerSecond: undefined };
}

function rackRow(name: string, rack: Rack): Row | undefined {
  const device = rack.devices.find(({ id }) => id === name);
  if (device === undefined) return undefined;
  const paced = rackAtPace(rack);
  const memory = must(
    paced.memories.find(({ id }) => id === device.memory),
    "a checked rack has the memories of its devices",
  );
  return {
    device,
    atPace: must(
      paced.devices.find(({ id }) => id === name),
      "devices keep their ids",
    ),
    memoryBytes: memory.capacityBytes,
    bandwidthBytesPerSecond: memory.bandwidthBytesPerSecond,
  };
}

function missing(name: string, rack: Rack): never {
  const detail = `the rack has ${rack.devices.map(({ id }) => id).join(", ")}`;
  throw new HeddleError("device-missing", { where: name, detail });
}

function openedRow({ device, memoryBytes }: Row): OpenedRow {
  const isModule = /[\\/]|\.m?js$/.test(device.driver);
  return { device, memoryBytes, ...(isModule ? { module: pathToFileURL(resolve(device.driver)).href } : {}) };
}

function sizeFrom(text: string): readonly [string, number] {
  const [, name, value] = /^(.+)=([1-9]\d{0,8})$/.exec(text) ?? [];
  if (name === undefined) throw new HeddleError("usage", { where: `--size ${text}`, detail: "name=number is wanted, such as batch=3" });
  return [name, Number(value)];
}

function secondsFrom(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new HeddleError("usage", { where: `--limit ${text}`, detail: "whole seconds from 1 to 999999 are wanted" });
}
