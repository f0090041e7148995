import type { Nanoseconds } from "../../base/units.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import type { DataflowConfig } from "../../engine/dataflow/dataflow-config.ts";
import { createDataflowEngine, type DataflowEngine } from "../../engine/dataflow/dataflow-engine.ts";
import type { DataflowState } from "../../engine/dataflow/dataflow-state.ts";
import type {
  ClientEvent,
  DataflowCommand,
  DataflowEvent,
  DataflowFailure,
  HandleId,
  HostId,
  TaskSpec,
} from "../../engine/dataflow/dataflow-types.ts";
import type { DataflowPolicy } from "../../policy/dataflow-policy.ts";
import type { DataflowMishaps } from "./dataflow-mishaps.ts";
import type { DataflowTruth } from "./dataflow-truth.ts";
import type { DataflowCheck, DataflowViolation } from "./dataflow-violation.ts";
import { type ScriptedClient, scriptedClients } from "./scripted-client.ts";
import { createSequential } from "./sequential.ts";
import { type Content, putContent } from "./symbolic-content.ts";
import type { TimelineRow } from "./timeline.ts";
import { createVirtualRack, type VirtualRack } from "./virtual-rack.ts";

export interface DataflowRunInput {
  readonly config: DataflowConfig;
  readonly policy: DataflowPolicy;
  readonly truth: DataflowTruth;
  readonly mishaps: DataflowMishaps;
  /** What the client does, in order of time. */
  readonly script: readonly { readonly at: Nanoseconds; readonly event: ClientEvent }[];
  /** Clients that wait for answers. */
  readonly clients?: readonly ScriptedClient[];
  readonly losses?: readonly { readonly at: Nanoseconds; readonly host: HostId; readonly backAfterNs: Nanoseconds | undefined }[];
  /** State of an engine that goes on here, such as one that has learned. */
  readonly from?: DataflowState;
  /** Clients may hold what they have at the end: nothing of it counts as left behind. */
  readonly endsOpen?: boolean;
  /** Time after which a run counts as one without end. */
  readonly limitNs?: Nanoseconds;
}

export interface DataflowOutcome {
  readonly violations: readonly DataflowViolation[];
  readonly timeline: readonly TimelineRow[];
  readonly endNs: Nanoseconds;
  /** When the client was told the last of what it waited for. */
  readonly lastAnswerNs: Nanoseconds;
  /** By task: how it ended. */
  readonly ended: ReadonlyMap<number, DataflowFailure | undefined>;
  readonly fetched: ReadonlyMap<number, Content | DataflowFailure>;
  readonly steps: readonly { readonly event: DataflowEvent; readonly now: Nanoseconds; readonly commands: readonly DataflowCommand[] }[];
  readonly engine: DataflowEngine;
}

/** Runs the dataflow engine in virtual time over a script, with mishaps, and checks it from outside. It ends at the first violation. */
export function runDataflow(input: DataflowRunInput): DataflowOutcome {
  const { config, policy, script } = input;
  const clock = new VirtualClock();
  const engine = createDataflowEngine(config, policy, input.from);
  const violations: DataflowViolation[] = [];
  const report = (check: DataflowCheck, message: string): void => {
    violations.push({ check, at: clock.now(), message });
  };
  const book = createBook(report, config.rack.memories[0]?.capacityBytes !== undefined);
  const timeline: TimelineRow[] = [];
  const steps: { event: DataflowEvent; now: Nanoseconds; commands: readonly DataflowCommand[] }[] = [];
  let lastAnswerNs = 0;
  const answered = (command: DataflowCommand): void => {
    if (command.type !== "deliver" && command.type !== "task-ended") return;
    lastAnswerNs = clock.now();
    clients.answered(command);
  };
  const send = (event: DataflowEvent): void => {
    if (violations.length > 0) return;
    try {
      const now = clock.now();
      book.before(event, rack);
      const commands = engine.step(event, now);
      steps.push({ event, now, commands });
      for (const command of commands) {
        book.after(command);
        rack.take(command);
        answered(command);
      }
    } catch (thrown) {
      report("promises", thrown instanceof Error ? thrown.message : String(thrown));
    }
  };
  const rack = createVirtualRack({
    rack: config.rack,
    clock,
    truth: input.truth,
    mishaps: input.mishaps,
    report,
    send,
    contentOfPut: book.contentOfPut,
    delivered: book.delivered,
    row: (row) => timeline.push(row),
  });
  const clients = scriptedClients(input.clients ?? [], clock, send);
  for (const { at, event } of script) clock.schedule(at, () => send(event));
  for (const loss of input.losses ?? []) scheduleLoss(clock, { loss, config, rack, send });
  const { limitNs = Infinity } = input;
  while (violations.length === 0 && clock.now() <= limitNs && clock.advance());
  const endNs = Math.max(0, ...timeline.map((row) => row.endNs));
  if (violations.length === 0) {
    if (clock.now() > limitNs) report("progress", "the run does not end");
    book.end();
    if (violations.length === 0 && input.endsOpen !== true) checkLeft(engine, rack, report);
  }
  return { violations, timeline, endNs, lastAnswerNs, ended: book.ended, fetched: book.fetched, steps, engine };
}

function scheduleLoss(
  clock: VirtualClock,
  given: {
    readonly loss: { readonly at: Nanoseconds; readonly host: HostId; readonly backAfterNs: Nanoseconds | undefined };
    readonly config: DataflowConfig;
    readonly rack: VirtualRack;
    readonly send: (event: DataflowEvent) => void;
  },
): void {
  const { loss, config, rack, send } = given;
  clock.schedule(loss.at, () => {
    rack.loseHost(loss.host);
    send({ type: "host-lost", host: loss.host, mayReturn: loss.backAfterNs !== undefined });
    if (loss.backAfterNs === undefined) return;
    clock.schedule(clock.now() + loss.backAfterNs, () => {
      config.rack.devices.forEach((device, id) => {
        if (device.host !== loss.host) return;
        rack.joinDevice(id);
        send({ type: "device-joined", device: id });
      });
    });
  });
}

/** What the client was promised and what came of it. */
function createBook(report: (check: DataflowCheck, message: string) => void, homeIsLimited: boolean) {
  const sequential = createSequential();
  const accepted = new Set<number>();
  const ended = new Map<number, DataflowFailure | undefined>();
  const fetches = new Set<number>();
  const fetched = new Map<number, Content | DataflowFailure>();
  const templates = new Map<number, readonly TaskSpec[]>();
  const puts = new Map<HandleId, Content>();
  let turn = 0;
  const settled = (fetch: number): void => {
    if (fetched.has(fetch)) report("ends", `fetch ${fetch} ends twice`);
  };
  return {
    ended,
    fetched,
    contentOfPut: (handle: HandleId): Content => puts.get(handle) ?? 0,
    delivered: (fetch: number, content: Content | undefined): void => {
      settled(fetch);
      const expected = sequential.fetched.get(fetch);
      if (content !== expected) report("results", `fetch ${fetch} gives ${content}, sequential execution ${expected}`);
      fetched.set(fetch, content ?? 0);
    },
    before: (event: DataflowEvent, rack: VirtualRack): void => {
      switch (event.type) {
        case "stage-declared":
          rack.declare(event.stage);
          return;
        case "put":
          puts.set(event.handle, putContent(event.handle, turn++));
          sequential.take(event);
          return;
        case "submitted":
          if (event.template !== undefined) templates.set(event.template, event.tasks);
          rack.know(event.first, event.tasks);
          for (const i of event.tasks.keys()) accepted.add(event.first + i);
          sequential.take(event);
          return;
        case "repeated": {
          const tasks = templates.get(event.template) ?? [];
          rack.know(event.first, tasks);
          for (const i of tasks.keys()) accepted.add(event.first + i);
          sequential.take(event);
          return;
        }
        case "fetch":
          fetches.add(event.fetch);
          sequential.take(event);
          return;
        default:
      }
    },
    after: (command: DataflowCommand): void => {
      const failure = command.type === "task-ended" || command.type === "fetch-failed" ? command.failure : undefined;
      if (failure?.code === "capacity" && !homeIsLimited) report("progress", `nothing moved: ${JSON.stringify(command)}`);
      if (failure?.code === "input-lost") report("results", `a value was given up: ${JSON.stringify(command)}`);
      if (command.type === "task-ended") {
        if (!accepted.has(command.task) || ended.has(command.task))
          report("ends", `task ${command.task} ends twice, or was never accepted`);
        ended.set(command.task, command.failure);
      } else if (command.type === "fetch-failed") {
        settled(command.fetch);
        fetched.set(command.fetch, command.failure);
      } else if (command.type === "rejected") report("promises", `refused: ${JSON.stringify(command.refusal)}`);
    },
    end: (): void => {
      for (const task of accepted) if (!ended.has(task)) report("progress", `task ${task} never ends`);
      for (const fetch of fetches) if (!fetched.has(fetch)) report("progress", `fetch ${fetch} never ends`);
    },
  };
}

function checkLeft(engine: DataflowEngine, rack: VirtualRack, report: (check: DataflowCheck, message: string) => void): void {
  for (const left of rack.left()) report("leaks", left);
  const state = engine.snapshot();
  const { tasks, values, storages, runs, transfers, loads, fetches, staged, handles } = state;
  for (const [name, table] of Object.entries({ tasks, values, storages, runs, transfers, loads, fetches, staged, handles })) {
    if (table.size > 0) report("leaks", `${table.size} ${name} left`);
  }
  if (state.pending !== 0) report("leaks", `${state.pending} tasks pending`);
  state.memories.forEach(({ used, alive }, memory) => {
    const residents = state.devices.reduce((sum, device, id) => sum + (rack.memoryOf(id) === memory ? device.residentBytes : 0), 0);
    if (alive && used !== residents) report("leaks", `memory ${memory} has ${used - residents} bytes set aside`);
  });
}
