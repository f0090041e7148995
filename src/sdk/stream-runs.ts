import { assert } from "../base/assert.ts";
import type { Inputs, Outputs, RunHandle } from "./sdk-types.ts";

/** Runs under way at once where the caller does not say: enough that a rack of two or three devices is busy while results are read. */
const IN_FLIGHT = 4;

/** One run an element, `inFlight` at most under way, results in the order of the elements. The first error ends the stream. */
export async function* streamRuns(
  elements: AsyncIterable<Inputs> | Iterable<Inputs>,
  options: { readonly inFlight?: number; readonly submit: (inputs: Inputs) => RunHandle },
): AsyncIterable<Outputs> {
  const { inFlight = IN_FLIGHT, submit } = options;
  assert(Number.isInteger(inFlight) && inFlight > 0, "a stream has a run under way", { inFlight });
  const under: Promise<Outputs>[] = [];
  for await (const inputs of elements) {
    const outputs = submit(inputs).outputs();
    // Awaited in its turn; until then a failure is not unheard.
    outputs.catch(() => undefined);
    under.push(outputs);
    if (under.length >= inFlight) yield await under.shift()!;
  }
  for (const outputs of under) yield await outputs;
}
