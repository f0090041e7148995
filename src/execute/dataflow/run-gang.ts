import { assert, must } from "../../base/assert.ts";
import type { Bytes, Nanoseconds } from "../../base/units.ts";
import type { Binding, StartCommand } from "../../engine/dataflow/dataflow-types.ts";
import type { LoadedRank } from "../gang/load-rank.ts";
import type { GangRow } from "../gang/run-rank.ts";
import { type GangFailure, runRanks } from "../gang/run-ranks.ts";
import type { SlotId, SlotInfo, StopSignal } from "../seat/seat-types.ts";
import { copyPrefix, keep, type RunResult, ready, type StoragePlace, takeRowsBack } from "./run-stage.ts";
import type { StageWork } from "./stage-work.ts";
import type { StorageBook } from "./storage-book.ts";
import { tensorBytes } from "./tensor-rows.ts";

/** Where a gang runs. */
export interface GangPlace {
  readonly members: readonly (Omit<StoragePlace, "book"> & { readonly rank: LoadedRank })[];
  readonly work: StageWork;
  readonly book: StorageBook;
  readonly signal: StopSignal;
  readonly firstCall: number;
  freshSlot(): SlotId;
  now(): Nanoseconds;
}

export type GangResult =
  | (RunResult & {
      readonly ok: true;
      readonly members: readonly (readonly GangRow[])[];
      /** Leaves every storage as it was before the run. */
      takeBack(): Promise<void>;
    })
  | { readonly ok: false; readonly failure: GangFailure };

/** What one member is given and makes, as slots by the names of its program. */
interface MemberSlots {
  readonly given: Record<string, SlotId>;
  readonly wanted: Record<string, SlotId>;
  /** Freed when all is over. */
  readonly extra: SlotId[];
  readonly prefixes: Promise<void>[];
}

/** An output of the task at the member that makes it. */
interface MemberOutput {
  readonly binding: Binding;
  readonly name: string;
  readonly capacity: number | undefined;
}

/**
 * Runs a gang's program on storages as slots of the same number, each at the member it is bound to.
 *
 * What a run makes counts when every member has done its part: rows are appended then, and where that fails half-way what was appended is taken off again,
 * so a run that fails leaves states as they were. It ends when no step of any member is under way.
 */
export async function runGang({ bindings }: StartCommand, place: GangPlace): Promise<GangResult> {
  const { members, work, book, freshSlot } = place;
  const { ports, capacities } = must(work.ports, "a gang's stage has ports");
  assert(bindings.length === ports.length, "a task has an access for each port", { stage: work.name });
  const slots = members.map((): MemberSlots => ({ given: {}, wanted: {}, extra: [], prefixes: [] }));
  const nameAt = (at: number, member: number): string => {
    const port = ports[at]!;
    return must(work.gang?.[member], "a gang's stage has a program a member").names[port] ?? port;
  };
  for (const [at, binding] of bindings.entries()) {
    if (binding.mode === "read") {
      for (const member of members.keys()) {
        if (binding.member !== -1 && binding.member !== member) continue;
        giveInput(slots[member]!, { place, member, binding, name: nameAt(at, member), capacity: capacities[at] });
      }
      continue;
    }
    const { wanted, extra } = slots[binding.member]!;
    const name = nameAt(at, binding.member);
    if (binding.discard || wanted[name] !== undefined) continue;
    // Into a slot of its own until every member is done.
    wanted[name] = freshSlot();
    extra.push(wanted[name]);
  }
  try {
    await Promise.all(slots.flatMap(({ prefixes }) => prefixes));
    const ended = await runRanks({
      seats: members.map(({ seat }) => seat),
      ranks: members.map(({ rank }) => rank),
      given: slots.map(({ given }) => given),
      wanted: slots.map(({ wanted }) => wanted),
      firstCall: place.firstCall,
      nextSlot: freshSlot,
      now: place.now,
      signal: place.signal,
    });
    if (!ended.ok) return ended;
    const outputs = bindings.flatMap((binding, at): MemberOutput[] =>
      binding.mode === "read" ? [] : [{ binding, name: nameAt(at, binding.member), capacity: capacities[at] }],
    );
    const takeBack = async (): Promise<void> => {
      await Promise.allSettled(outputs.map(({ binding }) => takeOneBack(binding, { ...members[binding.member]!, book })));
    };
    const made = ended.members.map((member) => member.made);
    const kept = await Promise.allSettled(outputs.map((output) => keepOne(output, { place, slots, made })));
    const failed = kept.find((one) => one.status === "rejected");
    if (failed !== undefined) {
      await takeBack();
      throw failed.reason;
    }
    const rows = ended.members.map((member) => member.rows);
    const busyNs = Math.max(...rows.map((own) => own.reduce((sum, { ns }) => sum + ns, 0)));
    const bytes = kept.map((one) => (one.status === "fulfilled" ? one.value : 0));
    return { ok: true, busyNs, parts: [], bytes, members: rows, takeBack };
  } finally {
    for (const [member, { extra }] of slots.entries()) if (extra.length > 0) members[member]!.seat.free(extra);
  }
}

function giveInput(
  { given, extra, prefixes }: MemberSlots,
  input: {
    readonly place: GangPlace;
    readonly member: number;
    readonly binding: Binding;
    readonly name: string;
    readonly capacity: number | undefined;
  },
): void {
  const { place, member, binding, name, capacity } = input;
  const at = { ...place.members[member]!, book: place.book };
  if (ready(binding.storage, at, capacity) === binding.bytes) {
    given[name] = binding.storage;
    return;
  }
  const slot = place.freshSlot();
  given[name] = slot;
  extra.push(slot);
  prefixes.push(copyPrefix(at, binding, slot));
}

async function keepOne(
  { binding, name, capacity }: MemberOutput,
  all: { readonly place: GangPlace; readonly slots: readonly MemberSlots[]; readonly made: readonly Readonly<Record<string, SlotInfo>>[] },
): Promise<Bytes> {
  const { place, slots, made } = all;
  const { member } = binding;
  if (binding.discard) return 0;
  const info = must(made[member]?.[name], "what was wanted was made");
  await keep({ ...place.members[member]!, book: place.book }, binding, { made: info, slot: slots[member]!.wanted[name]!, capacity });
  return tensorBytes(info);
}

/** A storage as it was before the run. */
async function takeOneBack(binding: Binding, place: StoragePlace): Promise<void> {
  const { storage, mode, bytes } = binding;
  const { seat, memory, book } = place;
  const there = book.bytesAt(storage, memory);
  if (there === undefined || mode !== "append") {
    // Not there before; the engine may ask for it anew under the same number.
    seat.free([storage]);
    if (there !== undefined) book.drop(storage, memory);
    return;
  }
  if (there !== bytes) await takeRowsBack(place, binding);
}
