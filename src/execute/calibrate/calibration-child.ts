import { toHeddleError } from "../../base/heddle-error.ts";
import { openDecoderModel } from "../model-store/open-model.ts";
import { stageDriver } from "../replica-host/driver-by-name.ts";
import { calibrateDevice } from "./calibrate-device.ts";
import { calibrateStage, type StageLoader } from "./calibrate-stage.ts";
import type { CalibrationJob, CalibrationMessage, CalibrationResults } from "./calibration-job.ts";
import { measurePace } from "./pace.ts";
import { runtimeOf } from "./runtime-by-name.ts";

/** The program of a calibration process, compiled: takes one job over the channel of its parent, answers, and ends. */
const abort = new AbortController();
process.once("message", (job: CalibrationJob) => void serve(job));
process.once("disconnect", () => process.exit(0));

async function serve(job: CalibrationJob): Promise<void> {
  try {
    await send({ type: "result", result: await work(job) });
  } catch (thrown) {
    const error = toHeddleError(thrown);
    await send({ type: "failed", code: error.code, detail: error.detail ?? error.message });
  }
  process.disconnect();
}

async function work(job: CalibrationJob): Promise<CalibrationResults[keyof CalibrationResults]> {
  const { signal } = abort;
  const onProgress = (share: number, text: string): void => void send({ type: "progress", share, text });
  switch (job.kind) {
    case "device":
      return calibrateDevice(await runtimeOf(job.driver), job, { signal, onProgress });
    case "pace":
      return measurePace(await runtimeOf(job.driver), job, signal);
    case "stage": {
      const model = openDecoderModel(job.modelPath);
      const driver = await stageDriver(job.driver);
      const loader: StageLoader = {
        load: (stage, limits) => driver.load(model, stage, limits),
        sealedBlocks: driver.describe().sealedBlocks,
      };
      return calibrateStage(loader, model, job, { signal, budgetMs: job.budgetMs, onProgress });
    }
  }
}

function send(message: CalibrationMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}
