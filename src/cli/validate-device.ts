import { existsSync } from "node:fs";
import { totalmem } from "node:os";
import { basename, dirname, extname, join } from "node:path";
import type { Command } from "commander";
import { must } from "../base/assert.ts";
import { bytesOf } from "../base/bytes.ts";
import { HeddleError } from "../base/heddle-error.ts";
import type { OpenDevice } from "../execute/device/device-driver.ts";
import { deviceDriverByName } from "../execute/device/device-driver-by-name.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import { openFileBytes } from "../execute/file-bytes.ts";
import { openDecoderModel } from "../execute/model-store/open-model.ts";
import type { ModelTask } from "../execute/validate/checks/model-check.ts";
import type { TokenTask } from "../execute/validate/checks/token-check.ts";
import { validateDevice } from "../execute/validate/validate-device.ts";
import type { Validation } from "../execute/validate/validation.ts";
import { onnxProgram } from "../graph/program/onnx-program.ts";
import { loadTokenizer } from "../graph/tokenizer/tokenizer.ts";
import { rackAtPace } from "../rack/emulated-pace.ts";
import type { Device, Rack } from "../rack/rack.ts";
import { collected } from "./model-options.ts";
import { note, printResult } from "./output.ts";
import { readRackFile } from "./rack.ts";
import { validationPage } from "./validate/validation-page.ts";
import { validationText } from "./validate/validation-text.ts";

interface ValidateFlags {
  readonly rack?: string;
  readonly model?: string;
  readonly text: string;
  readonly size: readonly string[];
  readonly reference: string;
  readonly json?: boolean;
  readonly html?: string;
}

/** Exit status where the device failed a check. */
const FAILED = 1;
/** Of the machine's memory, what a device without a row may use. */
const HOST_SHARE = 0.5;
const TOKENS_MOST = 128;
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
    .option("--html <file>", "write a report as one page")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(validate);
}

async function validate(id: string, flags: ValidateFlags): Promise<void> {
  const rack = flags.rack === undefined ? undefined : readRackFile(flags.rack);
  const row = rack === undefined ? driverRow(id) : (rackRow(id, rack) ?? missing(id, rack));
  const referenceRow = (rack && rackRow(flags.reference, rack)) ?? driverRow(flags.reference);
  const model = flags.model === undefined ? {} : modelTask(flags.model, flags);
  const device = await open(row);
  let validation: Validation;
  try {
    const reference = await open(referenceRow);
    try {
      const figures = { device: row.atPace, bandwidthBytesPerSecond: row.bandwidthBytesPerSecond };
      const reopen = (memoryBytes: number): Promise<OpenDevice> => open({ ...row, memoryBytes });
      const onCheck = (check: string): void => note(`checking ${check}`);
      validation = await validateDevice(
        { device, reference, reopen },
        { device: id, reference: flags.reference, figures, onCheck, ...model },
      );
    } finally {
      await reference.close();
    }
  } finally {
    await device.close();
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
  const [driver = name, target] = name.split(":");
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

async function open({ device, memoryBytes }: Row): Promise<OpenDevice> {
  const driver = await deviceDriverByName(device.driver);
  return driver.open({ device, memoryBytes });
}

function modelTask(path: string, flags: ValidateFlags): { readonly model: ModelTask } | { readonly decoder: TokenTask } {
  if (extname(path).toLowerCase() === ".onnx") return { model: onnxTask(path, flags.size) };
  if (flags.size.length > 0)
    throw new HeddleError("usage", { where: `--size ${flags.size[0]}`, detail: "only ONNX models leave sizes open" });
  const model = openDecoderModel(path);
  const tokens = loadTokenizer(model.tokenizer).encode(flags.text, { addSpecial: false }).slice(0, TOKENS_MOST);
  if (tokens.length === 0) throw new HeddleError("usage", { where: "--text", detail: "it has no tokens" });
  return { decoder: { model, tokens, name: model.spec.name } };
}

function onnxTask(path: string, given: readonly string[]): ModelTask {
  const sizes = Object.fromEntries(given.map(sizeFrom));
  const beside = (name: string): ReturnType<typeof openFileBytes> | undefined => {
    const file = join(dirname(path), name);
    return existsSync(file) ? openFileBytes(file) : undefined;
  };
  const whole = openFileBytes(path);
  try {
    const program = onnxProgram(bytesOf(whole.read(0, whole.byteLength)), { files: beside, name: basename(path), sizes });
    return { program, sizes };
  } finally {
    whole.close();
  }
}

function sizeFrom(text: string): readonly [string, number] {
  const [, name, value] = /^(.+)=([1-9]\d{0,8})$/.exec(text) ?? [];
  if (name === undefined) throw new HeddleError("usage", { where: `--size ${text}`, detail: "name=number is wanted, such as batch=3" });
  return [name, Number(value)];
}
