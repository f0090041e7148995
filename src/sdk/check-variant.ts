import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import type { HostTensor } from "../execute/device/tensor.ts";
import type { Seat, StageRecipe } from "../execute/seat/seat-types.ts";
import { plannedVariants } from "./planned-variants.ts";
import type { Outputs, RunnableGraph, VariantCheck } from "./sdk-types.ts";
import type { Session } from "./session.ts";

/** Sums in another order, in f32, stay far below it. */
const TOLERANCE = 1e-3;
/** Slots of checks: beyond those of storages and of the executor. */
const CHECK_SLOTS_FROM = 2 ** 50;

/**
 * Runs a variant and the operators it stands for, each on a device that takes it, and compares all outputs.
 *
 * Errors: `input-invalid` for a variant that is not there or does not apply to the graph, and for inputs that do not fit; `stage-unsupported` where no
 * device runs the original.
 */
export async function checkVariant(
  session: Session,
  graph: RunnableGraph,
  { name, inputs }: { readonly name: string; readonly inputs: Outputs },
): Promise<VariantCheck> {
  const planned = (await plannedVariants(session, graph, session.variants)).find(({ variant }) => variant.name === name);
  if (planned === undefined) {
    throw new HeddleError("input-invalid", {
      where: `variant ${name}`,
      detail: `there are ${session.variants.map((one) => one.name).join(", ") || "none"} that may apply`,
    });
  }
  const { variant, operators, devices } = planned;
  const supports = await Promise.all(session.seats.map((seat) => seat.supports(graph.source, operators)));
  const reference = supports.findIndex((rows) => rows.every(({ ok }) => ok));
  if (reference === -1)
    throw new HeddleError("stage-unsupported", { where: `${graph.name}, ${variant.operators}`, detail: "no device runs the original" });
  const device = must(devices[0], "a variant runs somewhere");
  const all = variant.graph.program.graph.operators.map((_operator, id) => id);
  const expected = await outputsOf(session.seats[reference]!, { program: graph.source, operators }, inputs);
  const got = await outputsOf(session.seats[device]!, { program: variant.graph.source, operators: all }, inputs);
  const difference = Math.max(...Object.keys(expected).map((port) => differenceOf(expected[port]!, got[port])));
  const { rack } = session.machine;
  const equal = difference <= (variant.tolerance ?? TOLERANCE);
  return { variant: name, device: rack.devices[device]!.id, reference: rack.devices[reference]!.id, equal, difference };
}

async function outputsOf(seat: Seat, recipe: StageRecipe, inputs: Outputs): Promise<Record<string, HostTensor>> {
  const stage = await seat.load(recipe);
  const slots = new Map([...stage.inputs, ...stage.outputs].map(({ name }, at) => [name, CHECK_SLOTS_FROM + at]));
  const named = (ports: typeof stage.inputs): Record<string, number> =>
    Object.fromEntries(ports.map(({ name }) => [name, slots.get(name)!]));
  try {
    for (const { name } of stage.inputs) {
      const value = inputs[name];
      if (value === undefined)
        throw new HeddleError("input-invalid", {
          where: name,
          detail: `the piece takes ${stage.inputs.map((port) => port.name).join(", ")}`,
        });
      await seat.put(slots.get(name)!, value);
    }
    await stage.run(named(stage.inputs), named(stage.outputs));
    const outputs = await Promise.all(stage.outputs.map(async ({ name }) => [name, await seat.get(slots.get(name)!)] as const));
    return Object.fromEntries(outputs);
  } finally {
    seat.free([...slots.values()]);
    await stage.release();
  }
}

/** Infinite where type or sizes differ. */
function differenceOf(expected: HostTensor, got: HostTensor | undefined): number {
  if (got === undefined || got.type !== expected.type || got.dims.join() !== expected.dims.join()) return Infinity;
  let [difference, largest] = [0, 0];
  for (let i = 0; i < expected.data.length; i++) {
    const [a, b] = [Number(expected.data[i]), Number(got.data[i])];
    largest = Math.max(largest, Math.abs(a));
    difference = Math.max(difference, Math.abs(a - b));
  }
  return difference === 0 ? 0 : difference / Math.max(largest, Number.MIN_VALUE);
}
