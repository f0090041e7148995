import { HeddleError } from "../base/heddle-error.ts";
import { constantOf } from "../graph/ir/expression.ts";
import type { Graph, OperatorId, TensorId } from "../graph/ir/graph.ts";
import { readBy } from "../graph/ir/read-by.ts";
import { knownBytes } from "../inspect/tensor-bytes.ts";
import type { PinnedOperators } from "./pinned-operators.ts";
import type { RackMachine } from "./rack-machine.ts";

/**
 * Holds what pins put on each device against its memory: the stored tensors of those operators, each once. What a run makes is not counted.
 *
 * Errors: `pin-impossible` names the operator that takes most, the bytes, and the devices with room for them.
 */
export function checkPinnedRoom(graph: Graph, pinned: PinnedOperators, { rack, memoryBytes }: RackMachine): void {
  for (const [device, { id }] of rack.devices.entries()) {
    const operators = pinned.flatMap((places, operator) => (places?.length === 1 && places[0] === device ? [operator] : []));
    const bytes = storedBytes(graph, operators);
    const room = memoryBytes[device] ?? 0;
    if (bytes <= room) continue;
    const largest = operators.reduce((most, one) => (storedBytes(graph, [one]) > storedBytes(graph, [most]) ? one : most));
    const { name, type } = graph.operators[largest]!;
    const more = operators.length === 1 ? "" : ` and ${operators.length - 1} more`;
    const could = rack.devices.filter((_one, other) => bytes <= (memoryBytes[other] ?? 0)).map((one) => one.id);
    const detail = `it has room for ${room} of ${bytes} bytes of ${name || type}${more}; ${could.length === 0 ? "no device has more" : `${could.join(", ")} could`}`;
    throw new HeddleError("pin-impossible", { where: `pins to ${id}`, detail });
  }
}

/** Whether no device has room for a graph's stored tensors; what a run makes is not counted. */
export function isTooLarge(graph: Graph, { memoryBytes }: RackMachine): boolean {
  const all = graph.operators.map((_operator, id) => id);
  return storedBytes(graph, all) > Math.max(...memoryBytes);
}

function storedBytes({ operators, tensors }: Graph, ids: readonly OperatorId[]): number {
  const stored = new Set<TensorId>();
  for (const id of ids) {
    for (const tensor of readBy(operators[id]!)) {
      const { origin } = tensors[tensor]!;
      if (origin === "weight" || origin === "constant") stored.add(tensor);
    }
  }
  let sum = 0;
  for (const tensor of stored) {
    const bytes = knownBytes(tensors[tensor]!);
    sum += (bytes === undefined ? undefined : constantOf(bytes)) ?? 0;
  }
  return sum;
}
