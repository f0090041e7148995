import { totalmem } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import type { CheckName } from "../execute/validate/finding.ts";
import { validateBeside } from "../execute/validate/process/validate-beside.ts";
import type { OpenedRow, ValidationOrder } from "../execute/validate/process/validation-order.ts";
import type { Validation } from "../execute/validate/validation.ts";
import { rackAtPace } from "../rack/emulated-pace.ts";
import type { Device, Rack } from "../rack/rack.ts";
import { note, printResult } from "./output.ts";
import { readRackFile } from "./read-rack-file.ts";
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
export async function validateDevice(id: string, flags: ValidateFlags): Promise<void> {
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
