import { toHeddleError } from "../../../base/heddle-error.ts";
import type { OpenDevice } from "../../device/device-driver.ts";
import { driverOf } from "../../seat-worker/driver-of.ts";
import { validateDevice } from "../validate-device.ts";
import { readModelTask } from "./read-model-task.ts";
import type { OpenedRow, ValidationEvent, ValidationOrder } from "./validation-order.ts";
import { watchedDevice } from "./watched-device.ts";

/** Entry of a child process that validates one device: told over the IPC channel what, it tells what it finds; it ends with its parent. */
process.on("message", (order: ValidationOrder) => {
  work(order).catch((thrown: unknown) => {
    const { code, where, detail } = toHeddleError(thrown);
    tell({ type: "failed", code, ...(where === undefined ? {} : { where }), ...(detail === undefined ? {} : { detail }) });
  });
});
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// A terminal signals the whole group; the parent ends this process.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);

async function work({ device: row, reference: referenceRow, names, figures, model }: ValidationOrder): Promise<void> {
  const task = model === undefined ? {} : readModelTask(model);
  const device = await open(row, names.device);
  const reference = await open(referenceRow, `the reference ${names.reference}`);
  const telemetry = () => device.telemetry();
  tell({ type: "opened", description: device.describe(), referenceDescription: reference.describe(), telemetry: telemetry() });
  const reopen = (memoryBytes: number): Promise<OpenDevice> => open({ ...row, memoryBytes }, names.device);
  const validation = await validateDevice(
    { device, reference, reopen },
    {
      ...names,
      figures,
      onCheck: (check) => tell({ type: "check", check }),
      onFindings: (findings) => tell({ type: "found", findings, telemetry: telemetry() }),
      ...task,
    },
  );
  await reference.close();
  await device.close();
  tell({ type: "done", validation });
}

async function open({ device, memoryBytes, module }: OpenedRow, name: string): Promise<OpenDevice> {
  const watch = (what: string | undefined): void => tell({ type: "call", what });
  watch(`${name}: opening`);
  try {
    return watchedDevice(name, await (await driverOf(device.driver, module)).open({ device, memoryBytes }), watch);
  } finally {
    watch(undefined);
  }
}

function tell(event: ValidationEvent): void {
  if (process.connected) process.send?.(event);
}
