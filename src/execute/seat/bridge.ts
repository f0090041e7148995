import { type MessagePort, Worker } from "node:worker_threads";
import type { ErrorCode } from "../../base/error-codes.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import { compiledEntry } from "../discover/compiled-entry.ts";
import type { BridgeOrder, BridgeReport } from "../seat-worker/bridge-thread.ts";

/** Joins threads of this process with seats elsewhere; its sockets are on a thread of their own, started when first needed. */
export interface Bridge {
  /** Errors: `worker-refused`, `host-lost`. */
  dial(order: Omit<BridgeOrder, "id">): Promise<MessagePort>;
  close(): void;
}

export function createBridge(): Bridge {
  let worker: Worker | undefined;
  let next = 0;
  const waiting = new Map<number, { readonly resolve: (port: MessagePort) => void; readonly reject: (error: HeddleError) => void }>();
  const start = (): Worker => {
    const made = new Worker(compiledEntry("seat-worker/bridge-thread"));
    made.unref();
    made.on("message", (report: BridgeReport) => {
      const call = waiting.get(report.id);
      waiting.delete(report.id);
      if ("port" in report) call?.resolve(report.port);
      else {
        const { where, detail } = report;
        call?.reject(
          new HeddleError(report.code as ErrorCode, { ...(where !== undefined && { where }), ...(detail !== undefined && { detail }) }),
        );
      }
    });
    made.on("exit", () => {
      for (const { reject } of waiting.values()) reject(new HeddleError("host-lost", { where: "bridge" }));
      waiting.clear();
      worker = undefined;
    });
    return made;
  };
  return {
    dial: (order) => {
      worker ??= start();
      const id = next++;
      const bridge = worker;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        bridge.postMessage({ ...order, id });
      });
    },
    close: () => void worker?.terminate(),
  };
}
