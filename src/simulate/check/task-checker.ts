import type { OpenSequence, Seal, StepRow, StepTask, TaskId } from "../../engine/replica-engine-types.ts";
import { BLOCK_TOKENS, PART_TOKENS, PARTS_PER_BLOCK, pagesFor } from "../../state/block.ts";
import type { ReplicaBook } from "./replica-book.ts";

/** Follows a task that starts through lanes and slots, in the order every stage does it: closes, opens, rows, seals. */
export function checkTask(book: ReplicaBook, task: TaskId, step: StepTask): void {
  const { check, tasks, config } = book;
  check(task > book.lastTask, 6, () => `task ${task} starts after task ${book.lastTask}`);
  book.lastTask = Math.max(book.lastTask, task);
  tasks.set(task, step);
  check(tasks.size <= config.stages, 6, () => `${tasks.size} tasks in flight on ${config.stages} stages`);
  for (const lane of step.closes) closeLane(book, lane);
  for (const open of step.opens) openLane(book, task, open);
  for (const row of step.rows) takeRow(book, task, row);
  for (const seal of step.seals) takeSeal(book, task, seal);
  checkPages(book);
}

function closeLane({ check, lanes }: ReplicaBook, lane: number): void {
  const view = lanes.get(lane);
  check(view !== undefined, 2, () => `lane ${lane} is closed but not open`);
  check(view?.task === undefined, 2, () => `lane ${lane} is closed while task ${view?.task} works on it`);
  lanes.delete(lane);
}

function openLane({ check, lanes, requests, slots, config }: ReplicaBook, task: TaskId, open: OpenSequence): void {
  const { lane, request, gather, gatherTokens } = open;
  const submission = requests.get(request)?.submission;
  check(!lanes.has(lane), 2, () => `lane ${lane} is opened twice`);
  check(lane >= 0 && lane < config.maxSequences, 3, () => `lane ${lane} of ${config.maxSequences}`);
  check(submission?.attempt === open.attempt, 1, () => `lane ${lane} is opened for request ${request}, attempt ${open.attempt}`);
  check(pagesFor(gatherTokens) === gather.length, 2, () => `request ${request}: ${gatherTokens} tokens from ${gather.length} blocks`);
  gather.forEach((ref, block) => {
    const tokens = Math.min(BLOCK_TOKENS, gatherTokens - block * BLOCK_TOKENS);
    const key = tokens === BLOCK_TOKENS ? submission?.keys[block] : submission?.parts[block * PARTS_PER_BLOCK + tokens / PART_TOKENS - 1];
    const rightKey = (held: string): boolean => held === key || held.startsWith(`r${request}.${block}:`);
    const wrong = slots.read(ref, { task, tokens, rightKey });
    check(wrong === undefined, 2, () => `request ${request}: ${wrong}`);
  });
  lanes.set(lane, { request, tokens: gatherTokens, task: undefined });
}

function takeRow({ check, lanes, requests, config }: ReplicaBook, task: TaskId, row: StepRow): void {
  const view = lanes.get(row.lane);
  const request = view === undefined ? undefined : requests.get(view.request);
  check(request !== undefined, 2, () => `a row works on lane ${row.lane}, which is not open`);
  if (view === undefined || request === undefined) return;
  const name = `request ${view.request}, lane ${row.lane}`;
  const end = row.start + row.count;
  const known = request.submission.promptTokens + request.sent;
  check(view.task === undefined, 2, () => `${name}: tasks ${view.task} and ${task} write it at once`);
  check(row.start === view.tokens, 2, () => `${name}: computes from ${row.start}, the lane holds ${view.tokens}`);
  check(!request.over, 6, () => `${name}: is computed after its end`);
  check(row.count >= 1 && end <= known, 1, () => `${name}: computes to ${end} of ${known} known tokens`);
  check(row.sample === (end === known), 1, () => `${name}: samples at ${end} of ${known}`);
  check(end <= config.contextLimit, 3, () => `${name}: ${end} tokens, over the limit of ${config.contextLimit}`);
  view.tokens = end;
  view.task = task;
}

function takeSeal({ check, lanes, slots }: ReplicaBook, task: TaskId, { lane, block, tokens, target }: Seal): void {
  const held = lanes.get(lane)?.tokens ?? 0;
  const end = block * BLOCK_TOKENS + tokens;
  check(tokens <= BLOCK_TOKENS && end <= held, 2, () => `block ${block} of lane ${lane} is sealed to ${end} at ${held} tokens`);
  const wrong = slots.write(target, task);
  check(wrong === undefined, 2, () => `lane ${lane}: ${wrong}`);
}

function checkPages({ check, lanes, config }: ReplicaBook): void {
  let pages = 0;
  for (const { tokens } of lanes.values()) pages += Math.ceil(tokens / BLOCK_TOKENS);
  check(pages <= config.workingPages, 3, () => `lanes take ${pages} pages of ${config.workingPages}`);
}
