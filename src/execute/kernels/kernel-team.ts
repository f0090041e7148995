import { once } from "node:events";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { compiledEntry } from "../discover/compiled-entry.ts";
import { ENDED, FAILED, WAKE_COUNT } from "./kernel-control.ts";
import { instantiateKernels, type KernelExports, kernelModule } from "./kernel-module.ts";
import type { SharedMemory, WasmModule } from "./web-assembly.ts";

/** The threads that share the steps of one stage: the caller's own, which always works, and helpers that sleep between steps. */
export interface KernelTeam {
  readonly exports: KernelExports;
  /** One step, whose phases are in memory (`kernel-control.ts`): wakes the helpers, works, returns when all is done. Errors: `device-failed`. */
  run(): void;
  /** Ends the helpers. Errors: none; twice is once. */
  release(): Promise<void>;
}

export interface KernelTeamOptions {
  /** With the caller's; at least 1. */
  readonly threads: number;
  /** Shared; zeros below `OWNED`, but for the phases. */
  readonly memory: SharedMemory;
}

/** What a helper is started with. */
export interface HelperStart {
  readonly module: WasmModule;
  readonly memory: SharedMemory;
  readonly thread: number;
  /** To the owner: "ready", then at most one line about its failure. */
  readonly port: MessagePort;
}

interface Helper {
  readonly worker: Worker;
  readonly port: MessagePort;
}

/** Errors: `plan-invalid` where there are no kernels here; `device-failed` where a helper does not start. */
export async function createKernelTeam({ threads, memory }: KernelTeamOptions): Promise<KernelTeam> {
  assert(threads >= 1, "a team has a thread", { threads });
  const module = kernelModule();
  const exports = instantiateKernels(module, memory);
  const words = new Int32Array(memory.buffer);
  let failure: HeddleError | undefined;
  const fail = (detail: string): HeddleError => {
    failure ??= new HeddleError("device-failed", { where: "decode kernels", detail });
    return failure;
  };
  const helpers = await Promise.all(
    Array.from({ length: threads - 1 }, (_, index) => startHelper({ module, memory, thread: index + 1 }, words, fail)),
  );
  const wake = (): void => {
    Atomics.add(words, WAKE_COUNT >> 2, 1);
    Atomics.notify(words, WAKE_COUNT >> 2);
  };
  return {
    exports,
    run: () => {
      if (failure !== undefined) throw failure;
      exports.begin();
      if (helpers.length > 0) wake();
      try {
        exports.step(0);
      } catch (thrown) {
        Atomics.store(words, FAILED >> 2, 1);
        throw fail(`thread 0: ${String(thrown)}`);
      }
      if (Atomics.load(words, FAILED >> 2) !== 0) throw fail(lastWords(helpers));
    },
    release: async () => {
      Atomics.store(words, ENDED >> 2, 1);
      wake();
      await Promise.all(helpers.map(({ worker }) => worker.terminate()));
    },
  };
}

async function startHelper(start: Omit<HelperStart, "port">, words: Int32Array, fail: (detail: string) => HeddleError): Promise<Helper> {
  const { port1, port2 } = new MessageChannel();
  const workerData: HelperStart = { ...start, port: port2 };
  // It needs nothing of the owner's command line, and some of that is refused in a worker.
  const worker = new Worker(compiledEntry("kernels/kernel-worker"), { workerData, transferList: [port2], execArgv: [] });
  const ended = new Promise<never>((_, reject) => {
    const end = (detail: string): void => {
      if (Atomics.load(words, ENDED >> 2) === 0) reject(fail(`thread ${start.thread}: ${saidOn(port1) ?? detail}`));
    };
    worker.on("error", (thrown) => end(String(thrown)));
    worker.on("exit", (status) => end(`ended (${status})`));
  });
  ended.catch(() => undefined);
  await Promise.race([once(port1, "message"), ended]);
  port1.unref();
  worker.unref();
  return { worker, port: port1 };
}

/** What helpers that failed said. */
function lastWords(helpers: readonly Helper[]): string {
  const said = helpers.map(({ port }, index) => ({ thread: index + 1, words: saidOn(port) }));
  return said.flatMap(({ thread, words }) => (words === undefined ? [] : [`thread ${thread}: ${words}`])).join("; ");
}

function saidOn(port: MessagePort): string | undefined {
  return receiveMessageOnPort(port)?.message as string | undefined;
}
