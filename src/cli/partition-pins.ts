import { extname } from "node:path";
import { HeddleError } from "../base/heddle-error.ts";
import { operatorType, refusalsOf } from "../execute/discover/model-support.ts";
import { openProbe } from "../execute/discover/probe-program.ts";
import { cacheFolder } from "../execute/model-store/cache-folder.ts";
import type { Graph } from "../graph/ir/graph.ts";
import type { Constraint } from "../plan/partition/constraints.ts";
import { globMatches } from "../plan/partition/glob.ts";
import { impossiblePin, type PinQuestion } from "../plan/place-graph/impossible-pin.ts";
import type { Rack } from "../rack/rack.ts";

export interface PinnedModel extends Pick<PinQuestion, "constraints" | "tasks"> {
  readonly path: string;
  readonly graph: Graph;
  readonly rack: Rack;
}

/** Errors: `pin-impossible` names the operator, why it cannot run where it is pinned, and the devices that could run it. */
export async function checkPinned({ path, graph, constraints, rack, tasks }: PinnedModel): Promise<void> {
  const operators = graph.operators.map(({ name }, id) => ({ name, type: operatorType(graph, id) }));
  const refusals = await driversSay(path, constraints, rack);
  const found = impossiblePin({ operators, constraints, tasks, refusals });
  if (found === undefined) return;
  const could = found.could.length === 0 ? "no device of the rack could run it" : `devices that could: ${found.could.join(", ")}`;
  throw new HeddleError("pin-impossible", { where: found.pin, detail: `${found.operator}: ${found.why}; ${could}` });
}

/** What drivers that are installed refuse of the pinned operators of an ONNX file; other models are only planned for. */
async function driversSay(path: string, constraints: readonly Constraint[], rack: Rack): Promise<PinQuestion["refusals"]> {
  const patterns = constraints.flatMap((one) => (one.kind === "pin" ? [one.pattern] : []));
  if (patterns.length === 0 || extname(path).toLowerCase() !== ".onnx") return new Map();
  const probe = openProbe(path);
  const names = probe.graph.operators.map(({ name }) => name);
  const operators = names.flatMap((name, id) => (patterns.some((pattern) => globMatches(pattern, name)) ? [id] : []));
  if (operators.length === 0) return new Map();
  const answers = await refusalsOf(rack.devices, probe, { cacheFolder: cacheFolder(), operators });
  return new Map(
    [...answers].flatMap(([device, answer]) => {
      if ("missing" in answer) return [];
      return [[device, new Map([...answer.refusals].map(([id, reason]) => [names[id]!, reason]))] as const];
    }),
  );
}
