import { HeddleError } from "../base/heddle-error.ts";
import type { AccessMode, DeviceId, OperatorClassId, StageId, StageSpec, VariantSpec } from "../engine/dataflow/dataflow-types.ts";
import type { StageWork } from "../execute/dataflow/stage-work.ts";
import type { Support } from "../execute/device/device-driver.ts";
import type { StageRecipe } from "../execute/seat/seat-types.ts";
import type { Bindings } from "../graph/ir/expression.ts";
import type { Graph, OperatorId, TensorId } from "../graph/ir/graph.ts";
import { stageBoundary } from "../graph/program/stage-boundary.ts";
import { evaluated } from "../inspect/classify/crossing.ts";
import { runSizes } from "../inspect/run-sizes.ts";
import { knownBytes } from "../inspect/tensor-bytes.ts";
import { cutStages } from "../plan/cut-stages/cut-stages.ts";
import { graphCut, groupedCut, operatorTimes } from "../plan/cut-stages/graph-cut.ts";
import { betweenPowers } from "./between-powers.ts";
import { type PinnedOperators, pinnedOperators } from "./pinned-operators.ts";
import { checkPinnedRoom, isTooLarge } from "./pinned-room.ts";
import type { PlannedVariant } from "./planned-variants.ts";
import { dimsOfShape } from "./port-specs.ts";
import type { RackMachine } from "./rack-machine.ts";
import type { GraphState, RunnableGraph, StageReport } from "./sdk-types.ts";

/** A tensor that a stage reads or makes. */
export interface PortUse {
  readonly port: string;
  readonly tensor: TensorId;
  readonly mode: "read" | "write";
  /** Of a gang: the member that reads or makes it; absent: every member reads it. */
  readonly member?: number;
}

/** Place of a state among its graph's, and what a stage does to it. */
export interface StateUse {
  readonly port: string;
  readonly tensor: TensorId;
  readonly state: number;
  readonly mode: AccessMode;
  readonly member?: number;
}

export interface PlannedStage {
  readonly id: StageId;
  readonly name: string;
  readonly operators: readonly OperatorId[];
  /** Devices it takes at once; absent: 1. */
  readonly gang?: number;
  /** Inputs from other stages or the caller, and outputs that others or the caller want, states left out. */
  readonly uses: readonly PortUse[];
  readonly states: readonly StateUse[];
  /** Devices it may run on, where pins leave fewer than can; of a gang, its members in order. */
  readonly pinnedTo: readonly DeviceId[] | undefined;
  /** By device: the reason of a device that cannot run it. */
  readonly refusals: readonly (string | undefined)[];
  /** By class, in ns; undefined where nothing is known before a run. */
  readonly priors: readonly (number | undefined)[];
}

/** A graph cut for a rack. */
export interface GraphPlan {
  readonly graph: RunnableGraph;
  readonly stages: readonly PlannedStage[];
  readonly specs: readonly StageSpec[];
  readonly works: readonly StageWork[];
  /** Sizes the priors are for. */
  readonly sizes: Bindings;
  /** Time of each stage on its best class at given sizes, relative to that at `sizes`. */
  readonly workAt: (sizes: Bindings) => readonly number[];
}

export interface PlanRequest {
  readonly graph: RunnableGraph;
  readonly machine: RackMachine;
  /** By device and operator. */
  readonly supports: readonly (readonly Support[])[];
  readonly pins: Readonly<Record<string, string>>;
  /** Of the first run. */
  readonly given: Bindings;
  /** Other ways to compute pieces of the graph; each piece becomes a stage. `supports` says yes to the piece's operators where a variant runs. */
  readonly variants: readonly PlannedVariant[];
  /** As `supports`, of the graph's own operators. */
  readonly ownSupports: readonly (readonly Support[])[];
  /** Number of the first stage. */
  readonly firstStage: StageId;
  /** Number of what a stage computes, whatever its weights: equal for equal texts. */
  readonly classOf: (text: string) => OperatorClassId;
}

/**
 * Cuts a graph for a rack: stages that some device runs, as the engine and the executor want them.
 *
 * Errors: `stage-unsupported` naming operator and each device's reason; `pin-impossible`; `device-missing`.
 */
export function planGraph(request: PlanRequest): GraphPlan {
  const { graph, machine, supports, pins, given, firstStage } = request;
  const { program } = graph;
  const { operators } = program.graph;
  const pinned = pinnedOperators(operators, pins, { machine, supports });
  checkPinnedRoom(program.graph, pinned, machine);
  const sizes = Object.fromEntries(runSizes(program.graph, given).map(({ symbol, value }) => [symbol, value]));
  const { known, weights } = operatorTimes(program.graph, sizes, machine.figures);
  const able = operators.map((_operator, id) =>
    machine.classOf.map((_class, device) => supports[device]![id]!.ok && (pinned[id]?.includes(device) ?? true)),
  );
  const nowhere = able.findIndex((row) => !row.includes(true));
  if (nowhere !== -1) throw unsupported(request, nowhere);
  const times = able.map((row, id) => row.map((can, device) => (can ? weights[id]![machine.classOf[device]!]! : Infinity)));
  const ends = graph.cutAfter && new Set(operators.flatMap(({ name }, id) => (graph.cutAfter!.includes(name) ? [id] : [])));
  const pieces = new Map(request.variants.map(({ operators: piece }) => [piece.join(), piece]));
  const groups = [...pieces.values()].map((piece) => ({
    operators: piece,
    times: machine.classOf.map((_class, device) => piece.reduce((sum, id) => sum + times[id]![device]!, 0)),
  }));
  const whole = { ...graphCut(program.graph, sizes, times), tooLarge: isTooLarge(program.graph, machine) };
  const { problem, members: nodes } = groupedCut(whole, groups);
  const behind = ends && new Set(nodes.flatMap((ids, node) => (ids.some((id) => ends.has(id)) ? [node] : [])));
  const cut = cutStages(problem, behind === undefined ? {} : { cutAfter: behind });
  if (!cut.ok) throw unsupported(request, nodes[cut.error.node]![0]!);
  const stages = cut.value.map((stage, at) =>
    plannedStage(request, { members: stage.flatMap((node) => nodes[node]!), id: firstStage + at, pinned, known }),
  );
  const classes = machine.figures.map((_figures, deviceClass) => deviceClass);
  const bestTimes = (rows: readonly (readonly number[])[]): number[] =>
    stages.map(({ operators: members, specClasses }) =>
      Math.min(...specClasses.map((deviceClass) => members.reduce((sum, id) => sum + rows[id]![deviceClass]!, 0))),
    );
  const base = bestTimes(weights);
  const workAt = betweenPowers((other) => {
    const all = Object.fromEntries(runSizes(program.graph, other).map(({ symbol, value }) => [symbol, value]));
    return bestTimes(operatorTimes(program.graph, all, machine.figures).weights).map((ns, i) =>
      base[i]! > 0 && ns > 0 ? ns / base[i]! : 1,
    );
  });
  const forms = stages.map((stage) => formsOf(request, stage, sizes));
  return {
    graph,
    stages,
    specs: stages.map(
      (stage): StageSpec => ({
        stage: stage.id,
        operator: request.classOf(computation(graph.program.graph, stage.operators)),
        variants: forms[stage.id - firstStage]!.map(({ spec }) => spec),
      }),
    ),
    works: stages.map(({ id, name }, at) => ({ stage: id, name, recipes: forms[at]!.map(({ recipe }) => recipe) })),
    sizes,
    workAt: classes.length === 0 ? () => [] : workAt,
  };
}

/** The ways a stage is computed: the graph's own on every class that takes it, and variants. */
function formsOf(
  request: PlanRequest,
  stage: StageOfPlan,
  sizes: Bindings,
): readonly { readonly spec: VariantSpec; readonly recipe: StageRecipe }[] {
  const { graph, machine, ownSupports, variants } = request;
  const takes = (deviceClass: number): boolean =>
    machine.classOf.some((one, device) => one === deviceClass && stage.operators.every((id) => ownSupports[device]![id]!.ok));
  const own = stage.specClasses.filter(takes).map((deviceClass) => ({
    spec: variantOf(request, stage, deviceClass),
    recipe: { program: graph.source, operators: stage.operators, sizes },
  }));
  const others = variants
    .filter(({ operators }) => operators.join() === [...stage.operators].join())
    .flatMap(({ variant, devices }) => {
      const classes = new Set(devices.map((device) => machine.classOf[device]!).filter((one) => stage.specClasses.includes(one)));
      const operators = variant.graph.program.graph.operators.map((_operator, id) => id);
      return [...classes].map((deviceClass) => ({
        spec: variantOf({ graph: variant.graph, machine }, { operators, priors: [] }, deviceClass),
        recipe: { program: variant.graph.source, operators, sizes },
      }));
    });
  return [...own, ...others];
}

type StageOfPlan = PlannedStage & { readonly specClasses: readonly number[] };

interface Cut {
  readonly members: readonly OperatorId[];
  readonly id: StageId;
  readonly pinned: PinnedOperators;
  readonly known: readonly (readonly (number | undefined)[])[];
}

function plannedStage({ graph, machine, supports }: PlanRequest, { members, id, pinned, known }: Cut): StageOfPlan {
  const { program, states } = graph;
  const boundary = stageBoundary(program.graph, members);
  const nameOf = (tensor: TensorId): string => program.graph.tensors[tensor]!.name;
  const stateOf = (end: keyof Pick<GraphState, "input" | "output">, tensor: TensorId): number =>
    states.findIndex((state) => state[end] === nameOf(tensor));
  const refusals = machine.classOf.map((_class, device) => {
    const refused = members.find((operator) => !supports[device]![operator]!.ok);
    const support = refused === undefined ? undefined : supports[device]![refused];
    return support === undefined || support.ok ? undefined : `${program.graph.operators[refused!]!.name}: ${support.reason}`;
  });
  const can = machine.classOf.flatMap((_class, device) => (refusals[device] === undefined ? [device] : []));
  const allowed = can.filter((device) => members.every((operator) => pinned[operator]?.includes(device) ?? true));
  const specClasses = [...new Set(allowed.map((device) => machine.classOf[device]!))];
  const both = [
    ...boundary.inputs.map((tensor) => ({ tensor, mode: "read" as const, state: stateOf("input", tensor) })),
    ...boundary.outputs.map((tensor) => ({ tensor, mode: "write" as const, state: stateOf("output", tensor) })),
  ];
  return {
    id,
    name: spanName(graph, boundary.operators),
    operators: boundary.operators,
    uses: both.map(({ tensor, mode }) => ({ port: nameOf(tensor), tensor, mode })),
    states: both
      .filter(({ state }) => state !== -1)
      .map(({ tensor, mode, state }) => ({ port: nameOf(tensor), tensor, state, mode: mode === "read" ? "read" : states[state]!.access })),
    // A class may hold devices that a pin leaves out.
    pinnedTo: can.length === allowed.length && allowed.length === devicesOf(machine, specClasses).length ? undefined : allowed,
    refusals,
    priors: machine.figures.map((_figures, deviceClass) => {
      const parts = members.map((operator) => known[operator]![deviceClass]);
      return parts.every((ns) => ns !== undefined) ? parts.reduce((sum, ns) => sum + ns, 0) : undefined;
    }),
    specClasses,
  };
}

function devicesOf({ classOf }: RackMachine, classes: readonly number[]): readonly DeviceId[] {
  return classOf.flatMap((one, device) => (classes.includes(one) ? [device] : []));
}

function variantOf(
  { graph, machine }: Pick<PlanRequest, "graph" | "machine">,
  { operators, priors }: Pick<PlannedStage, "operators" | "priors">,
  deviceClass: number,
): VariantSpec {
  const { tensors } = graph.program.graph;
  const { stored } = stageBoundary(graph.program.graph, operators);
  const weightBytes = Math.ceil(stored.reduce((sum, id) => sum + (evaluated(knownBytes(tensors[id]!), {}) ?? 0), 0));
  const priorNs = priors[deviceClass];
  const spec = { class: deviceClass, weightBytes, ...machine.loading[deviceClass]! };
  return priorNs === undefined ? spec : { ...spec, priorNs: Math.max(1, Math.round(priorNs)) };
}

/** What a stage computes, without weights and names: layers that are alike share what was measured of one. */
export function computation(graph: Graph, operators: readonly OperatorId[]): string {
  const shapeOf = (id: TensorId | undefined): string => {
    const tensor = id === undefined ? undefined : graph.tensors[id];
    return tensor === undefined ? "" : `${tensor.type}[${dimsOfShape(tensor.shape)?.join() ?? "?"}]`;
  };
  return operators
    .map((id) => {
      const { type, domain, attributes, inputs } = graph.operators[id]!;
      return `${domain}.${type}(${inputs.map(shapeOf).join()})${JSON.stringify(attributes)}`;
    })
    .join(";");
}

/** The stage's first and last operator, for people. */
function spanName({ name, program }: RunnableGraph, operators: readonly OperatorId[]): string {
  const of = (id: OperatorId): string => program.graph.operators[id]!.name || `${program.graph.operators[id]!.type}#${id}`;
  const [first, last] = [operators[0]!, operators.at(-1)!];
  return first === last ? `${name}[${of(first)}]` : `${name}[${of(first)} … ${of(last)}]`;
}

function unsupported({ graph, machine, supports }: PlanRequest, operator: OperatorId): HeddleError {
  const { name, type } = graph.program.graph.operators[operator]!;
  const reasons = machine.rack.devices.map(({ id }, device) => {
    const support = supports[device]![operator]!;
    return `${id}: ${support.ok ? "can run it, but is pinned away" : support.reason}`;
  });
  return new HeddleError("stage-unsupported", { where: `${graph.name}, ${name || type}`, detail: reasons.join("; ") });
}

/** Where each stage could run, and why not elsewhere. */
export function stageReports({ graph, stages }: GraphPlan, { rack, classOf }: RackMachine): readonly StageReport[] {
  return stages.map(({ name, operators, refusals, pinnedTo, priors, states }) => ({
    name,
    operators: operators.map((id) => graph.program.graph.operators[id]!.name),
    devices: rack.devices.map(({ id }, device) => {
      const reason = refusals[device] ?? (pinnedTo !== undefined && !pinnedTo.includes(device) ? "a pin names another device" : undefined);
      const predictedNs = priors[classOf[device]!];
      return reason === undefined ? { id, ok: true, ...(predictedNs === undefined ? {} : { predictedNs }) } : { id, ok: false, reason };
    }),
    states: states.map(({ state, mode }) => ({ name: graph.states[state]!.name, access: mode })),
  }));
}
