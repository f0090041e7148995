import { HeddleError } from "../base/heddle-error.ts";
import type { Constraint, ConstraintError } from "../plan/partition/constraints.ts";
import type { PartitionProblem } from "../plan/partition/problem.ts";
import type { DeviceSet } from "../plan/place-graph/device-sets.ts";
import { constraintText } from "../plan/place-graph/placement-report.ts";
import type { Rack } from "../rack/rack.ts";

/** A set of devices with the problem to solve on it. */
export interface PlacementTask {
  readonly set: DeviceSet;
  readonly problem: PartitionProblem;
  /** Of every operator. */
  readonly names: readonly string[];
  readonly constraints: readonly Constraint[];
}

export interface ConstraintFlags {
  readonly pin: readonly string[];
  readonly forbid: readonly string[];
  readonly together: readonly string[];
}

/** What the options ask for, devices by their ids. Errors: `usage` for text that is no constraint. */
export function constraintsFrom({ pin, forbid, together }: ConstraintFlags): readonly Constraint[] {
  return [
    ...pin.map((text) => placed("--pin", text)).map(({ pattern, place }): Constraint => ({ kind: "pin", pattern, to: place })),
    ...forbid.map((text) => placed("--forbid", text)).map(({ pattern, place }): Constraint => ({ kind: "forbid", pattern, from: place })),
    ...together.map((text): Constraint => ({ kind: "together", patterns: patternsIn(text) })),
  ];
}

function placed(flag: string, text: string): { readonly pattern: string; readonly place: string } {
  const at = text.lastIndexOf("=");
  const [pattern, place] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at < 1 || pattern === "" || place === "")
    throw new HeddleError("usage", { where: `${flag} ${text}`, detail: "pattern=device is wanted" });
  return { pattern, place };
}

function patternsIn(text: string): readonly string[] {
  const patterns = text.split(",").map((pattern) => pattern.trim());
  if (patterns.includes(""))
    throw new HeddleError("usage", { where: `--together ${text}`, detail: "patterns separated by commas are wanted" });
  return patterns;
}

/**
 * The constraints for a set of devices, which numbers like devices of a type; undefined where the set lacks a device that something is pinned to.
 *
 * Errors: `usage` for a device the rack does not have.
 */
export function constraintsOn({ types }: DeviceSet, constraints: readonly Constraint[], rack: Rack): readonly Constraint[] | undefined {
  const placeOf = (id: string): string | undefined => {
    const type = types.find(({ ids }) => ids.includes(id));
    return type && (type.count === 1 ? type.name : `${type.name}#${type.ids.indexOf(id)}`);
  };
  const kept: Constraint[] = [];
  for (const constraint of constraints) {
    if (constraint.kind === "together") {
      kept.push(constraint);
      continue;
    }
    const id = constraint.kind === "pin" ? constraint.to : constraint.from;
    if (!rack.devices.some((device) => device.id === id)) {
      const detail = `devices: ${rack.devices.map((device) => device.id).join(", ")}`;
      throw new HeddleError("usage", { where: constraintText(constraint), detail });
    }
    const place = placeOf(id);
    if (place !== undefined) kept.push(constraint.kind === "pin" ? { ...constraint, to: place } : { ...constraint, from: place });
    else if (constraint.kind === "pin") return undefined;
  }
  return kept;
}

/** Pins to devices that cannot work together. */
export function apart(constraints: readonly Constraint[]): HeddleError {
  const pins = constraints.filter(({ kind }) => kind === "pin").map(constraintText);
  return new HeddleError("pin-impossible", {
    where: pins.join(" "),
    detail: "these devices share cores or have no link: they cannot work together",
  });
}

/** Why constraints leave no placement, found before any search; `named` gives a constraint the device ids that it came with. */
export function constraintFailure(error: ConstraintError, named: (constraint: Constraint) => Constraint): HeddleError {
  const textOf = (constraint: Constraint): string => constraintText(named(constraint));
  switch (error.code) {
    case "constraint-matches-nothing":
      return new HeddleError("usage", { where: textOf(error.constraint), detail: `no operator is called ${error.pattern}` });
    case "constraint-place-unknown":
      return new HeddleError("usage", { where: textOf(error.constraint), detail: `devices: ${error.places.join(", ")}` });
    case "constraints-contradict": {
      const [first = "", ...more] = error.operators;
      const operators = more.length === 0 ? first : `${first} and ${more.length} more`;
      if (error.constraints.length === 0)
        return new HeddleError("plan-no-capacity", { where: operators, detail: "no device has the memory and the peak for its type" });
      return new HeddleError("pin-impossible", {
        where: error.constraints.map(textOf).join(" "),
        detail: `no device is left for ${operators}`,
      });
    }
  }
}
