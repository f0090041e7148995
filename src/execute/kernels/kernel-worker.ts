import { workerData } from "node:worker_threads";
import { ENDED, FAILED, WAKE_COUNT } from "./kernel-control.ts";
import { instantiateKernels } from "./kernel-module.ts";
import type { HelperStart } from "./kernel-team.ts";

/** Entry of a helper thread: sleeps between steps and takes chunks of those under way, until it is told to end or fails. */
const { module, memory, thread, port } = workerData as HelperStart;
const words = new Int32Array(memory.buffer);
const { step } = instantiateKernels(module, memory);

port.postMessage("ready");
try {
  for (
    let seen = Atomics.load(words, WAKE_COUNT >> 2);
    Atomics.load(words, ENDED >> 2) === 0;
    seen = Atomics.load(words, WAKE_COUNT >> 2)
  ) {
    step(thread);
    Atomics.wait(words, WAKE_COUNT >> 2, seen);
  }
} catch (thrown) {
  port.postMessage(String(thrown));
  Atomics.store(words, FAILED >> 2, 1);
}
port.close();
