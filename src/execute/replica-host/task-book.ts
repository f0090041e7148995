import { assert, must } from "../../base/assert.ts";
import type { RequestId, SubmitMessage } from "../../engine/messages.ts";
import type { Lane, Sample, StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import type { BlockKey } from "../../state/block.ts";
import { needsHistory } from "../sampling/sampling.ts";
import type { SubmitWork, TokenDetail } from "./host-protocol.ts";
import type { NumericsLabel } from "./numerics-label.ts";
import { type Naming, noteGather, noteRow, sealedKeys, type TokenList, tokenList } from "./token-list.ts";
import type { RowSampling, SampledRow } from "./worker-protocol.ts";

/** What an iteration needs besides the step: the ids of its tokens, and how its samples are drawn. */
export interface TaskInput {
  readonly tokens: Int32Array;
  readonly sampling: readonly RowSampling[];
}

export interface TaskOutcome {
  readonly samples: readonly Sample[];
  readonly sealedKeys: readonly (readonly BlockKey[])[];
  readonly details: readonly TokenDetail[];
}

/** The tokens behind the engine's numbers: which request a lane holds, its token ids, the keys of its blocks. */
export interface TaskBook {
  submit(message: SubmitMessage, work: SubmitWork): void;
  begin(task: TaskId, step: StepTask): TaskInput;
  finish(task: TaskId, rows: readonly SampledRow[]): TaskOutcome;
  /** The request's attempt has ended. */
  release(request: RequestId, attempt: number): void;
  /** Requests held; for tests and telemetry. */
  readonly size: number;
}

export interface TaskBookOptions {
  readonly model: string;
  readonly label: NumericsLabel;
  readonly stopIds: readonly number[];
}

interface Pending {
  readonly sampled: readonly TokenList[];
  readonly sealedKeys: readonly (readonly BlockKey[])[];
}

export function createTaskBook(options: TaskBookOptions): TaskBook {
  const lists = new Map<RequestId, TokenList>();
  const lanes = new Map<Lane, TokenList>();
  const tasks = new Map<TaskId, Pending>();
  const stopIds = new Set(options.stopIds);

  const namingOf = ({ work }: TokenList): Naming => ({ scope: { model: options.model, salt: work.salt }, label: options.label });

  const begin = (task: TaskId, step: StepTask): TaskInput => {
    for (const lane of step.closes) lanes.delete(lane);
    for (const { lane, request, attempt, gatherTokens } of step.opens) {
      const list = must(lists.get(request), "an opened request was submitted");
      assert(list.work.attempt === attempt, "a lane opens for the attempt that was submitted", { request, attempt });
      noteGather(list, gatherTokens);
      lanes.set(lane, list);
    }
    const tokens = new Int32Array(step.rows.reduce((sum, row) => sum + row.count, 0));
    const sampling: RowSampling[] = [];
    const sampled: TokenList[] = [];
    let at = 0;
    for (const row of step.rows) {
      const list = must(lanes.get(row.lane), "a row works on an open lane");
      assert(row.start + row.count <= list.tokens.length, "only known tokens are computed", row);
      for (let i = 0; i < row.count; i++) tokens[at++] = list.tokens[row.start + i]!;
      noteRow(list, row, namingOf(list));
      if (!row.sample) continue;
      sampled.push(list);
      sampling.push(rowSampling(list));
    }
    const keys = step.seals.map((seal) => {
      const list = must(lanes.get(seal.lane), "a seal copies from an open lane");
      return sealedKeys(list, seal, namingOf(list));
    });
    tasks.set(task, { sampled, sealedKeys: keys });
    return { tokens, sampling };
  };

  const finish = (task: TaskId, rows: readonly SampledRow[]): TaskOutcome => {
    const ended = must(tasks.get(task), "a task ends once");
    tasks.delete(task);
    const { sampled } = ended;
    assert(rows.length === sampled.length, "a sample for each row that asked", { task });
    const details: TokenDetail[] = [];
    const samples = rows.map(({ token, logprobs }, i): Sample => {
      const { work, tokens } = sampled[i]!;
      const stop = stopIds.has(token) && !work.sampling.ignoreStop;
      const index = tokens.length - work.promptTokens;
      if (!stop) tokens.push(token);
      if (!stop && logprobs !== undefined) details.push({ request: work.request, attempt: work.attempt, index, logprobs });
      return { token, stop };
    });
    return { samples, sealedKeys: ended.sealedKeys, details };
  };

  return {
    submit: (message, work) => void lists.set(message.request, tokenList(message, work)),
    begin,
    finish,
    release: (request, attempt) => {
      if (lists.get(request)?.work.attempt === attempt) lists.delete(request);
    },
    get size() {
      return lists.size;
    },
  };
}

function rowSampling({ work, tokens }: TokenList): RowSampling {
  const { sampling, promptTokens } = work;
  const index = tokens.length - promptTokens;
  const history = needsHistory(sampling) ? Int32Array.from(tokens) : new Int32Array(0);
  return { sampling, index, history, promptTokens };
}
