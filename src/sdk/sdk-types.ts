import type { GangMember } from "../execute/dataflow/stage-work.ts";
import type { DeviceDriver } from "../execute/device/device-driver.ts";
import type { HostTensor, TensorArray, TensorType } from "../execute/device/tensor.ts";
import type { ProgramSource } from "../execute/seat/seat-types.ts";
import type { AttributeValue } from "../graph/onnx/builder.ts";
import type { Program } from "../graph/program/program.ts";
import type { WayReason } from "../policy/way-choice.ts";
import type { Device, Rack } from "../rack/rack.ts";

/*
 * The programming model, in one page:
 *
 *   const rack = await openRack("rack.yaml");            // or a Rack, or "this-machine"
 *   const graph = await loadGraph("model.onnx");         // or defineGraph(name, build), or loadDecoder("model.gguf")
 *   const { logits } = await rack.run(graph, { image: tensor(pixels, [1, 3, 224, 224]) });
 *   const handle = rack.submit(graph, { image });        // at once; its outputs stay on the device until asked for
 *   const next = rack.submit(other, { x: handle.output("logits") });
 *   for await (const outputs of rack.stream(graph, frames)) …
 *   const cache = rack.state(decoder);                   // one sequence; cache.fork(), cache.release()
 *   await rack.run(decoder, { tokens, positions }, { state: cache });
 *   await rack.close();
 */

/** A graph that a rack can run. Made by `loadGraph`, `defineGraph` and `loadDecoder`. */
export interface RunnableGraph {
  readonly name: string;
  readonly program: Program;
  /** Where workers find its bytes. */
  readonly source: ProgramSource;
  /** What a caller gives and gets, states left out. */
  readonly inputs: readonly PortSpec[];
  readonly outputs: readonly PortSpec[];
  /** What stays from run to run where a run names a state. */
  readonly states: readonly GraphState[];
  /** Names of operators behind which it is cut; absent: the cutter decides. */
  readonly cutAfter?: readonly string[];
  /** Runs as one task on so many devices that are alike, one a rank; by rank. Its operators are the ranks: `rank.0` …, for pins. */
  readonly gang?: readonly GangMember[];
}

/** An input or output of a graph. */
export interface PortSpec {
  readonly name: string;
  readonly type: TensorType;
  /** Fixed sizes and names of sizes that a run decides; undefined where the graph does not say. */
  readonly dims: readonly (number | string)[] | undefined;
}

/** A state of a graph: its content enters by one port and what a run makes of it leaves by another. */
export interface GraphState {
  readonly name: string;
  readonly type: TensorType;
  /** `append`: the output's rows go behind the content's, along axis 0; `write`: the output takes its place; `reduce`: it is added. */
  readonly access: "read" | "append" | "write" | "reduce";
  /** Port its content comes in by; absent for states that are only appended to, written or reduced. */
  readonly input?: string;
  /** Port that what is appended, written or added comes out by; absent for states that are only read. */
  readonly output?: string;
  /** Sizes of the content at the start: 0 rows where it is appended to, else zeros. */
  readonly dims: readonly number[];
  /** Rows it may grow to. */
  readonly capacity?: number;
}

/** A tensor in the host's memory; a plain array is taken with `tensor(data, dims)`. */
export type Tensor = HostTensor;
/** Elements of a tensor; f16 and bf16 are their bits in a `Uint16Array`, bool is 0 or 1 in a `Uint8Array`. */
export type TensorData = TensorArray;

/** What an input may be: a tensor, or an output of a run that has not left its device. */
export type Input = Tensor | Output;
/** What a run is given, by the names of the graph's inputs. */
export type Inputs = Readonly<Record<string, Input>>;
/** What a run made, by the names of the graph's outputs, in the host's memory. */
export type Outputs = Readonly<Record<string, Tensor>>;

/** An output of a submitted run. It lies on a device; only `read` copies it to the host. */
export interface Output {
  readonly name: string;
  readonly run: RunHandle;
  /** Copies it to the host. Errors: what the run ended with; an assertion after `release`. */
  read(): Promise<Tensor>;
  /** Frees it on the device; runs that were given it keep it until they are done. Outputs of a handle nobody holds are freed as well. */
  release(): void;
}

/** A run that was submitted. */
export interface RunHandle {
  readonly id: number;
  /** Settles when every stage has ended. Errors: `device-failed`, `input-invalid`, `cancelled` and others of the table. */
  readonly done: Promise<RunSummary>;
  output(name: string): Output;
  /** All outputs, copied to the host; releases them. */
  outputs(): Promise<Outputs>;
}

/** What a run took: where each stage ran, and what was predicted. Units: ns of the rack's clock. */
export interface RunSummary {
  readonly run: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly stages: readonly {
    readonly stage: string;
    readonly device: string;
    readonly startNs: number;
    readonly busyNs: number;
    readonly predictedNs: number | undefined;
    /** Times it was run again because a device was lost. */
    readonly retries: number;
    /** Of a gang, whose `device` names all: what each member did. */
    readonly members?: readonly GangMemberSummary[];
  }[];
  readonly transfers: readonly {
    readonly from: string;
    readonly to: string;
    readonly tensor: string;
    readonly bytes: number;
    readonly ns: number;
  }[];
}

/** A member's part of a gang's run. */
export interface GangMemberSummary {
  readonly device: string;
  /** In its segments. Units: ns. */
  readonly runNs: number;
  readonly collectives: number;
  /** In collectives, the wait for other members included. Units: ns. */
  readonly collectiveNs: number;
  /** Sent and received in collectives. */
  readonly collectiveBytes: number;
}

/** How one run is placed and ordered. */
export interface RunOptions {
  /** The sequence whose states the run reads and changes; runs of one sequence are ordered as they were submitted. */
  readonly state?: RackState;
  /** Higher first; 0 when absent. */
  readonly priority?: number;
  /** Operators by name pattern (`*`, `?`), and the device they must run on. */
  readonly pin?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** How the runs of a stream are placed, and how many are under way. */
export interface StreamOptions extends RunOptions {
  /** Runs under way at most; 4 when absent. */
  readonly inFlight?: number;
}

/** State that outlives runs: for a graph, all its states for one sequence. */
export interface RackState {
  readonly name: string;
  /** Content now, copied to the host; waits for the runs before. */
  read(name?: string): Promise<Tensor>;
  /** A second state with a copy of the content; what one does afterwards the other does not see. */
  fork(): RackState;
  /** Errors: an assertion where it is used afterwards. */
  release(): void;
}

/** A function of the host as a task: tensors in, tensors out; runs in the caller's process, in the order of data. */
export type HostTask = (inputs: Inputs) => HostTaskHandle;

/** A submitted task of the host. */
export interface HostTaskHandle {
  /** Errors: what the function threw, or what its inputs ended with. */
  readonly done: Promise<void>;
  output(name: string): Promise<Tensor>;
  outputs(): Promise<Outputs>;
}

/** A rack that is open: its devices run in processes and threads of their own until `close`. */
export interface OpenRack {
  readonly rack: Rack;
  /** Runs a graph and gives its outputs. */
  run(graph: RunnableGraph, inputs: Inputs, options?: RunOptions): Promise<Outputs>;
  /** Starts a run; inputs that are outputs of other runs need not be there yet. */
  submit(graph: RunnableGraph, inputs: Inputs, options?: RunOptions): RunHandle;
  /** One run per element, several under way at once, results in order. */
  stream(graph: RunnableGraph, inputs: AsyncIterable<Inputs> | Iterable<Inputs>, options?: StreamOptions): AsyncIterable<Outputs>;
  /** The states of a graph, for one sequence. */
  state(graph: RunnableGraph, options?: { readonly name?: string; readonly initial?: Readonly<Record<string, Tensor>> }): RackState;
  task(name: string, compute: (inputs: Outputs) => Outputs | Promise<Outputs>): HostTask;
  /** The stages a graph is cut into, and which devices can run each, with the reason where one cannot. */
  stages(graph: RunnableGraph, options?: Pick<RunOptions, "pin">): Promise<readonly StageReport[]>;
  /** Runs a variant and the operators it stands for on the same inputs (by name of the piece's ports), and compares. */
  checkVariant(graph: RunnableGraph, variant: string, inputs: Outputs): Promise<VariantCheck>;
  report(): RackReport;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** How a rack is opened. */
export interface RackOptions {
  /** Chooses devices; the built-in one (earliest predicted end, transfers counted) when absent. */
  readonly policy?: Policy;
  /** Where devices run: each in a process of its own (a failure costs one device), in a thread, or in this thread (no isolation; for tests and simple devices). */
  readonly isolation?: "process" | "thread" | "inline";
  /** Folder for the ledger; none is written when absent. */
  readonly ledger?: string;
  /** File for a timeline (Chrome trace, Perfetto), written by `close`. */
  readonly trace?: string;
  /** Devices of one's own beside, or for, the rack's. */
  readonly devices?: readonly OwnDevice[];
  /** Other graphs that compute what part of a graph computes, for some devices; chosen where they are predicted to end sooner. */
  readonly variants?: readonly Variant[];
  /**
   * Whether work that comes again may go to one device alone where that was measured to be quicker than all of them (`RackReport.ways`); with "never" it always goes over all
   * devices. "measured" when absent, "never" beside a policy of one's own, which then decides alone.
   */
  readonly oneDevice?: "measured" | "never";
  readonly onEvent?: (event: RackEvent) => void;
}

/** A device of one's own: its row of the rack, and the driver that opens it. */
export interface OwnDevice {
  /** Its row, or as much of it as is known; what is missing is that of a small device in the host's memory. */
  readonly device: Pick<Device, "id"> & Partial<Device>;
  /** The driver, run in this process; or the path of a module whose export `driver` it is, which can run in a process of its own. */
  readonly driver: DeviceDriver | string;
}

/** Another way to compute the operators a pattern names, which become a stage. Same inputs and outputs, by name. */
export interface Variant {
  readonly name: string;
  readonly graph: RunnableGraph;
  /** Operators of the original that it stands for, by name pattern. */
  readonly operators: string;
  /** Devices that run it: an id (devices that are alike do too), or a kind. */
  readonly device: string;
  /** Largest difference allowed by `checkVariant`, relative to the largest value of an output; 1e-3 when absent. */
  readonly tolerance?: number;
}

/** How a variant of an operator compares with the original on one input. */
export interface VariantCheck {
  readonly variant: string;
  /** Where it ran, and where the original did. */
  readonly device: string;
  readonly reference: string;
  readonly equal: boolean;
  /** Largest difference, relative to the largest value. */
  readonly difference: number;
}

/** What a policy knows of a task that is ready. */
export interface PolicyTask {
  readonly run: number;
  readonly graph: string;
  /** First and last operator: `resnet[conv1 … add3]`. */
  readonly stage: string;
}

/** A device that can run the task. Times are predictions; undefined where nothing is known yet. Units: ns. */
export interface PolicyDevice {
  readonly id: string;
  readonly kind: Device["kind"];
  readonly computeNs: number | undefined;
  /** Time to bring what is not there yet, and to load the stage. */
  readonly transferNs: number;
  readonly loadNs: number;
  /** When it would be free. */
  readonly queueNs: number;
  /** Runs of this kind measured there. */
  readonly samples: number;
  readonly energyJoules: number | undefined;
}

/** Chooses one of the devices, by id; `undefined` leaves it to the built-in policy. Pure: same view, same answer. */
export type Policy = (task: PolicyTask, devices: readonly PolicyDevice[]) => string | undefined;

/** A stage of a planned graph: its operators, and which devices run it. */
export interface StageReport {
  readonly name: string;
  readonly operators: readonly string[];
  readonly devices: readonly { readonly id: string; readonly ok: boolean; readonly reason?: string; readonly predictedNs?: number }[];
  readonly states: readonly { readonly name: string; readonly access: GraphState["access"] }[];
}

/** What a rack did since it was opened. Units: ns, bytes. */
export interface RackReport {
  readonly devices: readonly {
    readonly id: string;
    readonly driver: string;
    readonly up: boolean;
    readonly tasks: number;
    readonly busyNs: number;
    readonly failures: number;
    /** Runs of an emulated device that took longer than it would have, because its host did not compute them sooner. */
    readonly lateRuns: number;
  }[];
  readonly transfers: readonly {
    readonly from: string;
    readonly to: string;
    readonly count: number;
    readonly bytes: number;
    readonly ns: number;
  }[];
  /** Of gangs, by members: how many, bytes sent by all of them, and the time of the member that took longest in each run, waits included. */
  readonly collectives: readonly {
    readonly devices: readonly string[];
    readonly count: number;
    readonly bytes: number;
    readonly ns: number;
  }[];
  /** What was learned of stages on devices; `uncalibrated` ones are still predicted from the rack file. */
  readonly models: readonly {
    readonly stage: string;
    readonly device: string;
    readonly runs: number;
    readonly meanNs: number | undefined;
    /** From the rack file's figures; undefined where they say nothing of it. */
    readonly priorNs: number | undefined;
    readonly uncalibrated: boolean;
  }[];
  readonly refusals: readonly { readonly stage: string; readonly device: string; readonly reason: string }[];
  /** Work that came again and could go more than one way; what was measured as of the last change. */
  readonly ways: readonly WayReport[];
}

/**
 * Which way work goes that came again: all that was asked for from a moment at which the rack had nothing to do until it had nothing to do again.
 *
 * It goes over all devices first. Then each device that could do all of it, and by its own runs might be the quickest alone, is tried; the quickest way by
 * measured makespans is taken, and others are looked at again now and then. A task whose inputs only another device has is not moved for it.
 */
export interface WayReport {
  /** The graph it begins with. */
  readonly graph: string;
  /** The device it goes to alone; undefined: over all of them. */
  readonly device: string | undefined;
  readonly reason: WayReason;
  /**
   * The way over all devices first, then each device alone that is compared. `medianNs`: of its last makespans; `ratio`: of these over what the quickest took at about the same
   * time, which is what counts. Undefined before the first.
   */
  readonly measured: readonly {
    readonly device: string | undefined;
    readonly tries: number;
    readonly medianNs: number | undefined;
    readonly ratio: number | undefined;
  }[];
}

/** Things that happen, as they happen. */
export type RackEvent =
  | { readonly type: "task-finished"; readonly run: number; readonly stage: string; readonly device: string; readonly busyNs: number }
  /** `tensor`: a state's are called `<state>/<name>`. */
  | {
      readonly type: "transfer-finished";
      readonly from: string;
      readonly to: string;
      readonly tensor: string;
      readonly bytes: number;
      readonly ns: number;
    }
  | { readonly type: "device-up"; readonly device: string }
  | { readonly type: "device-down"; readonly device: string; readonly detail: string }
  /** Work that comes again goes another way than the last time, or for another reason. `device` undefined: over all devices. */
  | { readonly type: "way-chosen"; readonly graph: string; readonly device: string | undefined; readonly reason: WayReason }
  | { readonly type: "task-lost"; readonly run: number; readonly stage: string; readonly device: string; readonly detail: string };

/** A value of a graph that is being defined. */
export interface GraphValue {
  readonly name: string;
  readonly type: TensorType;
  readonly dims: readonly (number | string)[] | undefined;
}

/** Puts a graph together. Operators are ONNX's; a wrong type or shape is an error at the call that makes it. */
export interface GraphMaker {
  input(name: string, type: TensorType, dims: readonly (number | string)[]): GraphValue;
  weight(name: string, value: Tensor): GraphValue;
  /** Errors: `graph-invalid` with operator, input types and shapes. */
  op(operator: string, inputs: readonly GraphValue[], options?: OpOptions): GraphValue;
  /** As `op`, for operators with several outputs. */
  ops(operator: string, inputs: readonly GraphValue[], outputs: number, options?: OpOptions): readonly GraphValue[];
  /** A state; the value is its content before the run. What it becomes is said by one of `append`, `write` and `reduce`, or nothing. */
  state(name: string, type: TensorType, dims: readonly (number | string)[], options?: { readonly capacity?: number }): GraphValue;
  append(state: GraphValue, rows: GraphValue): void;
  write(state: GraphValue, value: GraphValue): void;
  reduce(state: GraphValue, value: GraphValue): void;
  output(name: string, value: GraphValue): void;
}

/** What an operator is beside its inputs. */
export interface OpOptions {
  /** A number is an integer; floats are `{ float: x }`. */
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly domain?: string;
  /** Name of the operator, for pins and reports; `<operator>.<n>` when absent. */
  readonly name?: string;
}

/** A decoder with the states of one sequence; a run takes T tokens at their positions and gives logits. Prefill and decode differ in T only. */
export interface DecoderGraph extends RunnableGraph {
  readonly layers: number;
  readonly vocabulary: number;
  readonly contextLength: number;
}

/** How a decoder becomes a graph. */
export interface DecoderOptions {
  /** Most tokens a sequence may have; the model's own limit, or 4096, when absent. */
  readonly contextLength?: number;
  /** Logits of the last position ([1, vocabulary]) or of all ([T, vocabulary]); `last` when absent. */
  readonly logits?: "last" | "all";
  /**
   * Devices that run the decoder together, each with its share of the heads and of the feed-forward network; 1 when absent. Query heads, key and value
   * heads and feed-forward columns must divide by it. Keys and values are states of each rank: `k.0@1` are the keys of layer 0 of rank 1's heads.
   */
  readonly tensorParallel?: number;
}
