import { must } from "../../base/assert.ts";
import type { Nanoseconds } from "../../base/units.ts";
import type { DataflowPolicy } from "../../policy/dataflow-policy.ts";
import type { ArrivalsRoom } from "./arrivals-room.ts";
import type { Candidate } from "./candidate.ts";
import type { DataflowConfig } from "./dataflow-config.ts";
import type { DataflowState, Storage, Task, Value, ValueId } from "./dataflow-state.ts";
import type { DataflowCommand, DeviceId, FetchId, MemoryId, StorageId, TaskId } from "./dataflow-types.ts";
import type { RackMap } from "./rack-map.ts";

/** Everything a step works with. The lists of what to look at are empty between steps. */
export interface Flow {
  readonly state: DataflowState;
  readonly config: DataflowConfig;
  readonly map: RackMap;
  readonly policy: DataflowPolicy;
  now: Nanoseconds;
  commands: DataflowCommand[];
  /** Used again for every decision. */
  readonly candidates: Candidate[];
  /** Used again for every decision. */
  readonly arrivals: ArrivalsRoom;
  /** Granted tasks whose data, loads or devices may have become ready. */
  readonly tasksToLookAt: TaskId[];
  /** Memories with room that staged tasks may be waiting for. */
  readonly memoriesToLookAt: MemoryId[];
  /** Devices that may stage their next task. */
  readonly devicesToLookAt: DeviceId[];
  /** Ready tasks that go where a template says. */
  readonly tasksToReplay: TaskId[];
  /** Values that somebody wants and that are gone. */
  readonly valuesToMake: ValueId[];
  /** Fetches that may go on. */
  readonly fetchesToLookAt: FetchId[];
  /** Tasks whose inputs have failed. */
  readonly tasksToFail: TaskId[];
}

export function valueBy(flow: Flow, id: ValueId): Value {
  return must(flow.state.values.get(id), "a value that is referred to is kept");
}

export function storageBy(flow: Flow, id: StorageId): Storage {
  return must(flow.state.storages.get(id), "a storage with values is kept");
}

export function taskBy(flow: Flow, id: TaskId): Task {
  return must(flow.state.tasks.get(id), "a task that is referred to is kept");
}
