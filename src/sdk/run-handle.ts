import { assert } from "../base/assert.ts";
import { HeddleError, toHeddleError } from "../base/heddle-error.ts";
import type { StateRecord } from "./rack-states.ts";
import { createRunRecord, type RunRecord } from "./run-record.ts";
import type { Inputs, Output, Outputs, RunHandle, RunnableGraph, RunOptions, Tensor } from "./sdk-types.ts";
import { checkOpen, inOrder, newHandle, newRunId, type OutputPlace, releaseHandle, type Session, tell } from "./session.ts";
import { submitRun } from "./submit-run.ts";

/** Outputs of runs nobody holds any more are freed on their devices. */
const abandoned = new FinalizationRegistry<() => void>((release) => release());

/** Starts a run; nothing of it has to be there yet. */
export function startRun(
  session: Session,
  request: { readonly graph: RunnableGraph; readonly inputs: Inputs; readonly state: StateRecord | undefined },
  options: RunOptions,
  nowNs: number,
): RunHandle {
  checkOpen(session);
  const { graph, inputs, state } = request;
  const id = newRunId(session);
  const run = createRunRecord(id, graph.name, nowNs);
  const hidden = new Set(state === undefined ? [] : graph.states.map(({ output }) => output));
  for (const { name } of graph.outputs) {
    if (!hidden.has(name)) run.outputs.set(name, { handle: newHandle(session, `${graph.name}#${id} ${name}`), expected: undefined });
  }
  session.runs.set(id, run);
  const cancel = watchSignal(session, run, options.signal);
  void inOrder(session, () => {
    if (run.failure !== undefined) throw run.failure;
    return submitRun(session, { graph, inputs, run, state, priority: options.priority ?? 0, pins: options.pin ?? {} });
  }).catch((thrown: unknown) => {
    run.failure ??= toHeddleError(thrown);
    session.runs.delete(id);
    run.reject(run.failure);
  });
  void run.done.then(cancel, cancel);
  return handleOf(session, run);
}

/** Ends the run when the signal is aborted; returns what forgets the signal. */
function watchSignal(session: Session, run: RunRecord, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => undefined;
  const abort = (): void => {
    run.failure ??= new HeddleError("cancelled", { where: run.graph });
    for (const task of run.tasks ?? []) tell(session, { type: "task-cancelled", task });
  };
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}

function handleOf(session: Session, run: RunRecord): RunHandle {
  const places = new Map<string, OutputPlace>(
    [...run.outputs].map(([name, { handle }]) => [name, { handle, run, released: false, freed: false }]),
  );
  const made = new Map<string, Output>();
  const handle: RunHandle = {
    id: run.id,
    done: run.done,
    output: (name) => {
      const place = places.get(name);
      if (place === undefined)
        throw new HeddleError("input-invalid", {
          where: `${run.graph}, ${name}`,
          detail: `its outputs are ${[...places.keys()].join(", ")}`,
        });
      const known = made.get(name) ?? outputOf(session, { name, place, handle });
      made.set(name, known);
      return known;
    },
    outputs: async () => {
      const names = [...places.keys()];
      const values = await Promise.all(names.map((name) => handle.output(name).read()));
      for (const name of names) handle.output(name).release();
      return Object.fromEntries(names.map((name, i) => [name, values[i]!])) as Outputs;
    },
  };
  abandoned.register(handle, releaseOf(session, places));
  return handle;
}

/** Made apart from the handle: a function made beside it would keep it alive. */
function releaseOf(session: Session, places: ReadonlyMap<string, OutputPlace>): () => void {
  return () => {
    for (const place of places.values()) release(session, place);
  };
}

function outputOf(
  session: Session,
  { name, place, handle }: { readonly name: string; readonly place: OutputPlace; readonly handle: RunHandle },
): Output {
  const output: Output = {
    name,
    run: handle,
    read: () => {
      assert(!place.released, "an output is not read after its release", { output: name });
      return readOutput(session, place);
    },
    release: () => release(session, place),
  };
  session.outputs.set(output, place);
  return output;
}

/** The fetch fails where the run does; what the run failed with says more. */
async function readOutput(session: Session, { handle, run }: OutputPlace): Promise<Tensor> {
  const { value } = await inOrder(session, () => {
    if (run.failure !== undefined) throw run.failure;
    return { value: session.executor.fetch(handle) };
  });
  try {
    return await value;
  } catch (thrown) {
    await run.done;
    throw thrown;
  }
}

function release(session: Session, place: OutputPlace): void {
  if (place.released) return;
  place.released = true;
  void inOrder(session, () => {
    place.freed = true;
    if (place.run.tasks !== undefined) releaseHandle(session, place.handle);
    session.names.delete(place.handle);
  }).catch(() => undefined);
}
