import { createRequire } from "node:module";
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { OnnxModel } from "../../../graph/onnx/builder.ts";

/**
 * What the thread runs: it makes a session of every model it is sent and says how that went. Plain text, because Node 20 runs no TypeScript in
 * workers and tests run from source.
 */
const PROGRAM = `
const { workerData, parentPort } = require("node:worker_threads");
const ort = require(workerData.library);
ort.env.wasm.numThreads = 1;
const { port, flag } = workerData;
port.on("message", async ({ question, model, weights }) => {
  let refusal;
  try {
    const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"], logSeverityLevel: 4, externalData: weights });
    await session.release();
  } catch (error) {
    refusal = String(error && error.message || error);
  }
  port.postMessage({ question, refusal });
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});
`;

/** The first model waits for the library to be compiled. Units: ms. */
const PATIENCE_MS = 60_000;

/** A thread beside the device's that tries models: the package loads them asynchronously, and whether an operator runs is asked synchronously. */
export function startProbe(): { refusal(model: OnnxModel): string | undefined; close(): Promise<void> } {
  const { port1, port2 } = new MessageChannel();
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const library = createRequire(import.meta.url).resolve("onnxruntime-web");
  const worker = new Worker(PROGRAM, { eval: true, workerData: { library, port: port2, flag }, transferList: [port2] });
  worker.unref();
  port1.unref();
  let question = 0;
  return {
    refusal: ({ model, weights }) => {
      question++;
      Atomics.store(flag, 0, 0);
      // Views are sent with all of the buffer they lie in, so they are copied out of it.
      port1.postMessage({ question, model: model.slice(), weights: weights.map(({ path, data }) => ({ path, data: data.slice() })) });
      if (Atomics.wait(flag, 0, 0, PATIENCE_MS) === "timed-out") return `onnxruntime-web gave no answer within ${PATIENCE_MS / 1000} s`;
      for (;;) {
        const answer = receiveMessageOnPort(port1)?.message as
          | { readonly question: number; readonly refusal: string | undefined }
          | undefined;
        if (answer === undefined) return "onnxruntime-web gave no answer";
        if (answer.question === question) return answer.refusal;
      }
    },
    close: async () => {
      port1.close();
      await worker.terminate();
    },
  };
}
