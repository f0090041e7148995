/** A gang program's members in one process: each runs its segments on ONNX Runtime and meets the others in collectives. */
import * as ort from "onnxruntime-node";
import { runCollective } from "../../src/execute/collectives/run-collective.ts";
import type { CollectiveGroup } from "../../src/execute/device/collective.ts";
import type { GangCollective, GangProgram } from "../../src/graph/program/gang-program.ts";

export interface GangMember {
  /** Runs all steps on the given values; gives those the program names. */
  run(values: Readonly<Record<string, ort.Tensor>>): Promise<Readonly<Record<string, ort.Tensor>>>;
  release(): Promise<void>;
}

export async function loadMember(program: GangProgram, group: CollectiveGroup): Promise<GangMember> {
  const sessions = new Map<string, ort.InferenceSession>();
  for (const step of program.steps) {
    if (step.type !== "segment") continue;
    const externalData = step.model.weights.map(({ path, data }) => ({ path, data }));
    sessions.set(
      step.name,
      await ort.InferenceSession.create(step.model.model, { externalData, logSeverityLevel: 3, intraOpNumThreads: 1 }),
    );
  }
  return {
    run: async (given) => {
      const values = new Map(Object.entries(given));
      for (const step of program.steps) {
        if (step.type === "collective") {
          values.set(step.output, await collective(group, step.collective, values.get(step.input)!));
          continue;
        }
        const feeds = Object.fromEntries(step.inputs.map((name) => [name, values.get(name)!]));
        const outputs = await sessions.get(step.name)!.run(feeds);
        for (const name of step.outputs) values.set(name, outputs[name]!);
      }
      return Object.fromEntries(program.outputs.map((name) => [name, values.get(name)!]));
    },
    release: async () => {
      for (const session of sessions.values()) await session.release();
    },
  };
}

/** The collectives of the product, on tensors of the binding. */
async function collective(group: CollectiveGroup, call: GangCollective, tensor: ort.Tensor): Promise<ort.Tensor> {
  const { data, dims } = await runCollective(group, call, { type: "f32", dims: tensor.dims, data: tensor.data as Float32Array });
  return new ort.Tensor("float32", data as Float32Array, dims);
}
