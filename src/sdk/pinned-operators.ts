import { HeddleError } from "../base/heddle-error.ts";
import type { DeviceId } from "../engine/dataflow/dataflow-types.ts";
import type { Support } from "../execute/device/device-driver.ts";
import type { Operator } from "../graph/ir/graph.ts";
import { globMatches } from "../plan/partition/glob.ts";
import type { RackMachine } from "./rack-machine.ts";

/** By operator, the devices pins leave; undefined for operators that no pin names. */
export type PinnedOperators = readonly (readonly DeviceId[] | undefined)[];

/**
 * What pins (operator pattern to device id) come to.
 *
 * Errors: `device-missing`; `pin-impossible` where a pattern matches nothing, two pins contradict each other, or the device refuses the operator: then the
 * detail names the operator, the reason and the devices that could.
 */
export function pinnedOperators(
  operators: readonly Operator[],
  pins: Readonly<Record<string, string>>,
  { machine, supports }: { readonly machine: RackMachine; readonly supports: readonly (readonly Support[])[] },
): PinnedOperators {
  const { devices } = machine.rack;
  const pinned: (readonly DeviceId[] | undefined)[] = operators.map(() => undefined);
  for (const [pattern, id] of Object.entries(pins)) {
    const device = devices.findIndex((one) => one.id === id);
    if (device === -1)
      throw new HeddleError("device-missing", { where: `pin ${pattern}=${id}`, detail: devices.map((one) => one.id).join(", ") });
    const matched = operators.flatMap(({ name }, operator) => (globMatches(pattern, name) ? [operator] : []));
    if (matched.length === 0) throw impossible(pattern, id, "no operator has such a name");
    for (const operator of matched) {
      const { name, type } = operators[operator]!;
      const support = supports[device]![operator]!;
      if (!support.ok) {
        const could = devices.filter((_one, other) => supports[other]![operator]!.ok).map((one) => one.id);
        throw impossible(
          pattern,
          id,
          `it cannot run ${name || type}: ${support.reason}; ${could.length === 0 ? "no device can" : `${could.join(", ")} could`}`,
        );
      }
      const before = pinned[operator];
      if (before !== undefined && !before.includes(device))
        throw impossible(pattern, id, `${name || type} is pinned to ${devices[before[0]!]!.id} as well`);
      pinned[operator] = [device];
    }
  }
  return pinned;
}

function impossible(pattern: string, device: string, detail: string): HeddleError {
  return new HeddleError("pin-impossible", { where: `${pattern}=${device}`, detail });
}
