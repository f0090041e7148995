import { must } from "../base/assert.ts";
import { HeddleError } from "../base/heddle-error.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import type { Objective } from "../execute/placement/placement-job.ts";
import { solvePlacement } from "../execute/placement/solve-placement.ts";
import { readOnRack } from "../inspect/classify/rack-reading.ts";
import { type PagePlacement, pageDataOf } from "../inspect/page/page-data.ts";
import { deviceSets } from "../plan/place-graph/device-sets.ts";
import { placementProblem } from "../plan/place-graph/placement-problem.ts";
import { type FoundPlacement, namedOn, type PlacementReport, placementReport } from "../plan/place-graph/placement-report.ts";
import type { Rack } from "../rack/rack.ts";
import { type InspectedModel, inspectedModel, type ModelFlags } from "./inspect-model.ts";
import { writePage } from "./inspect-page.ts";
import { openInspectSource } from "./inspect-source.ts";
import { printResult } from "./output.ts";
import { apart, constraintFailure, constraintsFrom, constraintsOn, type PlacementTask } from "./partition-constraints.ts";
import { checkPinned } from "./partition-pins.ts";
import { placementLines, placementText } from "./partition-report.ts";
import { readRackFile } from "./read-rack-file.ts";
import { withShareProgress } from "./share-progress.ts";

interface PartitionFlags extends ModelFlags {
  readonly rack: string;
  readonly objective: Objective;
  readonly contiguous?: boolean;
  readonly replicate?: boolean;
  readonly phase?: string;
  readonly devices?: string;
  readonly reserve: number;
  readonly seconds: number;
  readonly moves?: number;
  readonly seed: number;
  readonly pin: readonly string[];
  readonly forbid: readonly string[];
  readonly together: readonly string[];
  readonly output?: string;
  readonly html?: string;
  readonly json?: boolean;
}

const MS_PER_S = 1000;

export async function partition(path: string, flags: PartitionFlags): Promise<void> {
  if (flags.replicate === true && flags.objective !== "throughput") {
    throw new HeddleError("usage", {
      where: "--replicate",
      detail: "devices that take turns shorten no single run: it goes with --objective throughput",
    });
  }
  const model = inspectedModel(openInspectSource(path), flags);
  const phase = phaseNamed(model, flags.phase);
  const rack = withDevices(readRackFile(flags.rack), flags.devices);
  const { graph, inspection } = model;
  const at = { graph, sizes: phase.sizes, type: inspection.type };
  const wanted = constraintsFrom(flags);
  const names = graph.operators.map(({ name }) => name);
  const sets = deviceSets(rack, flags.reserve);
  await checkPinned({ path, graph, constraints: wanted, rack, tasks: sets.map((set) => ({ set, problem: placementProblem(at, set) })) });
  const tasks = sets.flatMap((set): readonly PlacementTask[] => {
    const constraints = constraintsOn(set, wanted, rack);
    return constraints === undefined ? [] : [{ set, problem: placementProblem(at, set), names, constraints }];
  });
  if (tasks.length === 0) throw apart(wanted);
  const found = await solveAll(tasks, flags);
  const report = placementReport({
    name: inspection.name,
    phase,
    objective: flags.objective,
    graph,
    found,
    reserve: flags.reserve,
    unknownOperators: unknownIn(model),
  });
  if (report === undefined) throw refusal(found);
  printResult(flags.json === true, report, () => placementText(report));
  if (flags.output !== undefined) writeWhole(flags.output, `${JSON.stringify(report, null, 2)}\n`);
  if (flags.html !== undefined) {
    const reading = readOnRack(graph, inspection, rack, { reserve: flags.reserve, contextLength: model.contextLength });
    writePage(flags.html, pageDataOf(graph, inspection, reading, pagePlacement(report, inspection.phases.indexOf(phase))));
  }
}

function phaseNamed({ inspection }: InspectedModel, name: string | undefined): InspectedModel["inspection"]["phases"][number] {
  if (name === undefined) return must(inspection.phases.at(-1), "a model has a run");
  const phase = inspection.phases.find((one) => one.name === name);
  if (phase !== undefined) return phase;
  throw new HeddleError("usage", {
    where: `--phase ${name}`,
    detail: `this model has ${inspection.phases.map((one) => one.name).join(", ")}`,
  });
}

/** Where the page paints operators, and what it says of the placement. */
function pagePlacement(report: PlacementReport, phase: number): PagePlacement {
  const devices = report.parts.map(({ device }) => device);
  const operators: number[] = [];
  // A stage that devices share has the colour of the first.
  for (const { device, places } of report.stages) for (const place of places) operators[place] = devices.indexOf(device);
  return { devices, operators, phase, lines: placementLines(report) };
}

function unknownIn({ inspection }: InspectedModel): number {
  return (inspection.unknownWork ?? []).reduce((sum, { count: some }) => sum + some, 0);
}

function withDevices(rack: Rack, ids: string | undefined): Rack {
  if (ids === undefined) return rack;
  const wanted = ids.split(",").map((id) => id.trim());
  const missing = wanted.find((id) => !rack.devices.some((device) => device.id === id));
  if (missing !== undefined) {
    const known = rack.devices.map(({ id }) => id).join(", ");
    throw new HeddleError("usage", { where: `--devices ${missing}`, detail: `the rack has ${known}` });
  }
  return { ...rack, devices: rack.devices.filter(({ id }) => wanted.includes(id)) };
}

/** The sets one after another, each with its part of the time. */
function solveAll(
  tasks: readonly PlacementTask[],
  { seconds: limit, moves, seed: given, objective, contiguous = false, replicate = false }: PartitionFlags,
): Promise<readonly FoundPlacement[]> {
  const limitMs = (limit * MS_PER_S) / tasks.length;
  return withShareProgress("placing", async ({ signal, onProgress }) => {
    const found: FoundPlacement[] = [];
    for (const [index, { set, ...task }] of tasks.entries()) {
      const report = (ms: number): void => onProgress((index + Math.min(1, ms / limitMs)) / tasks.length, "Ctrl-C: the best so far");
      const limits = { limitMs, ...(moves === undefined ? {} : { moves }) };
      const answer = await solvePlacement({
        ...task,
        objective,
        contiguous,
        replicate,
        seed: given,
        ...limits,
        signal,
        onProgress: report,
      });
      found.push({ set, problem: task.problem, ...answer });
    }
    return found;
  });
}

/** Why no set of devices has a placement: what was asked for, or room. */
function refusal(found: readonly FoundPlacement[]): HeddleError {
  for (const { set, found: answer } of found) {
    if (!answer.ok && answer.error.code !== "no-placement") return constraintFailure(answer.error, (wanted) => namedOn(set, wanted));
  }
  const { set, problem } = must(found[0], "a rack has devices");
  const need = problem.nodes.reduce((sum, { bytes }) => sum + bytes, 0);
  const room = set.types.map(({ name, count, memoryBytes }) => `${count} x ${Math.floor(memoryBytes)} on ${name}`).join(", ");
  return new HeddleError("plan-no-capacity", { where: "the rack", detail: `the model takes ${need} bytes, there are ${room}` });
}
