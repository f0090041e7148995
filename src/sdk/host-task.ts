import { HeddleError, toHeddleError } from "../base/heddle-error.ts";
import type { HostTask, Outputs, Tensor } from "./sdk-types.ts";
import { isOutput } from "./submit-run.ts";

/**
 * A function of the host as a task: it begins when its inputs are there, and outputs of runs are copied to the host for it.
 *
 * Errors: what an input's run failed with; `device-failed` naming the task where the function throws.
 */
export function hostTask(name: string, compute: (inputs: Outputs) => Outputs | Promise<Outputs>): HostTask {
  return (inputs) => {
    const made = (async () => {
      const entries = Object.entries(inputs).map(async ([key, input]) => [key, isOutput(input) ? await input.read() : input] as const);
      const given = Object.fromEntries(await Promise.all(entries));
      try {
        return await compute(given);
      } catch (cause) {
        const { message } = toHeddleError(cause);
        throw new HeddleError("device-failed", { where: `task ${name}`, detail: cause instanceof Error ? cause.message : message, cause });
      }
    })();
    made.catch(() => undefined);
    return {
      done: made.then(() => undefined),
      outputs: () => made,
      output: async (key) => {
        const outputs: Readonly<Record<string, Tensor | undefined>> = await made;
        const found = outputs[key];
        if (found !== undefined) return found;
        throw new HeddleError("input-invalid", { where: `task ${name}, ${key}`, detail: `it gave ${Object.keys(outputs).join(", ")}` });
      },
    };
  };
}
