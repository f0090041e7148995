import { err, ok, type Result } from "../../../base/result.ts";
import { kernelPromptRows } from "../../../cost/kernel-prompt-rows.ts";
import { kernelRefusal } from "../../kernels/kernel-module.ts";
import { loadKernelStage } from "../../kernels/kernel-stage.ts";
import { createProductProbe } from "../../kernels/product-probe.ts";
import { type OnnxRuntime, wrapSession } from "../shared/onnx-session.ts";

type Ort = typeof import("onnxruntime-node");

/** Warnings and below are about initialisers a graph does not use; errors still come as exceptions. */
const LOG_ERRORS_ONLY = 3;
/**
 * How threads share a run. With few rows they sleep until their next share of an operator. Why: waiting awake for 30 µs saves 5 to 11 % of a decode step
 * on two quiet cores, but costs 28 % where another process keeps one of them busy, and 34 % of a served token's time on a busy machine (100 µs: 57 %
 * beside that process). Measured with SmolLM2-135M in int8-row, 2 threads, sessions in turns.
 */
const FEW_ROWS = { intra_op: { allow_spinning: "0" } } as const;
/**
 * With many rows they wait awake for 8 µs, which spans most gaps between two operators, and take shares of a quarter each, so that one that is held up
 * does less. Why: a woken thread starts 50 to 70 µs late, a third of what an operator on 256 rows takes. Measured as above, a prompt of 512 tokens in
 * chunks of 256, medians in ms, a row of figures a run. Asleep, 8 µs, 8 µs and quarters, 30 µs: 301, 267, -, 262; 325, 291, 270, -; in processes of
 * their own 394, -, 350, -. Beside a process that keeps one core busy: 449, 469, -, 505; 509, 517, 439, -; 500, -, 524, 549 (with quarters).
 */
const MANY_ROWS = { intra_op: { allow_spinning: "1", spin_duration_us: "8" }, dynamic_block_base: "4" } as const;

/** ONNX Runtime for Node, or what to install. */
export async function loadOrtRuntime(): Promise<Result<OnnxRuntime, string>> {
  let ort: Ort;
  try {
    ort = await import("onnxruntime-node");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err(`the package onnxruntime-node cannot be loaded (${reason}); run npm install onnxruntime-node`);
  }
  return ok({
    version: ort.env.versions.node ?? "unknown",
    dialect: "onnxruntime-cpu",
    formats: ["f32", "int4", "int8-row"],
    kernels: { promptRows: kernelPromptRows("ort"), refusal: kernelRefusal, load: loadKernelStage, probe: createProductProbe },
    createSession: async (model, options) => {
      const session = await ort.InferenceSession.create(model.model, {
        executionProviders: ["cpu"],
        intraOpNumThreads: options.threads,
        interOpNumThreads: 1,
        logSeverityLevel: LOG_ERRORS_ONLY,
        externalData: model.weights.map(({ path, data }) => ({ path, data })),
        extra: { session: { ...(options.manyRows === true ? MANY_ROWS : FEW_ROWS), set_denormal_as_zero: "1" } },
      });
      return wrapSession(session, (feed) => new ort.Tensor(feed.type, feed.data as Float32Array, feed.dims));
    },
  });
}
