import type { z } from "zod";
import { HeddleError } from "../base/heddle-error.ts";
import { hashText } from "./command-hash.ts";
import { dataflowEventSchema } from "./dataflow/dataflow-event-schema.ts";
import {
  FRAME_EVENT,
  FRAME_HEADER,
  FRAME_SNAPSHOT,
  type Ledger,
  type LedgerEvent,
  type LedgerHeader,
  type LedgerSnapshot,
  type RecordedEvent,
} from "./ledger.ts";
import { readFrame } from "./ledger-frame.ts";
import { fleetEventSchema, headerSchema, replicaEventSchema } from "./ledger-schema.ts";
import { decodePlain } from "./plain-data.ts";

const SCHEMAS: Readonly<Record<LedgerHeader["node"]["type"], z.ZodType<RecordedEvent>>> = {
  fleet: fleetEventSchema,
  replica: replicaEventSchema,
  dataflow: dataflowEventSchema,
};
const UINT32_MAX = 4_294_967_295;

/**
 * Reads one segment of a ledger. A frame cut off at the end, as a killed process leaves it, is dropped and counted in `tornBytes`.
 *
 * Errors: `ledger-invalid` with the byte offset; never anything else, whatever the bytes.
 */
export function readLedger(bytes: Uint8Array): Ledger {
  const first = readFrame(bytes, 0);
  if (first.type !== "frame") throw invalid(0, first.type === "torn" ? "holds no whole header" : first.detail);
  const header = headerOf(first.payload);
  const schema: z.ZodType<RecordedEvent> = SCHEMAS[header.node.type];
  const events: LedgerEvent<RecordedEvent>[] = [];
  const snapshots: LedgerSnapshot[] = [];
  let at = first.next;
  let now = header.startNs;
  for (;;) {
    const frame = readFrame(bytes, at);
    if (frame.type === "damaged") throw invalid(at, frame.detail);
    if (frame.type === "torn") return { header, events, snapshots, tornBytes: bytes.length - at };
    const record = recordOf(frame.payload, at);
    const index = header.firstIndex + events.length;
    if (record[0] === FRAME_SNAPSHOT) {
      if (record.length !== 3 || record[1] !== index) throw invalid(at, `a snapshot out of place, before event ${index}`);
      snapshots.push({ index, state: record[2] });
    } else {
      const event = eventOf(record, { schema, index, now, at });
      now = event.at;
      events.push(event);
    }
    at = frame.next;
  }
}

/** Joins the segments of one ledger, in any order; they must follow one another without a gap. Errors: `ledger-invalid`. */
export function joinLedger(segments: readonly Ledger[]): Ledger {
  const sorted = [...segments].sort((a, b) => a.header.segment - b.header.segment);
  const [first] = sorted;
  if (first === undefined) throw new HeddleError("ledger-invalid", { detail: "there is no segment" });
  const events = [...first.events];
  for (let i = 1; i < sorted.length; i++) {
    const { header } = sorted[i]!;
    const before = sorted[i - 1]!;
    const last = before.events.at(-1)?.hash;
    const hash = last === undefined ? before.header.startHash : hashText(last);
    const follows = header.segment === before.header.segment + 1 && header.firstIndex === first.header.firstIndex + events.length;
    if (!follows || before.tornBytes > 0 || header.startHash !== hash) {
      throw new HeddleError("ledger-invalid", { where: `segment ${header.segment}`, detail: "it does not follow the one before" });
    }
    for (const event of sorted[i]!.events) events.push(event);
  }
  const snapshots = sorted.flatMap((segment) => segment.snapshots);
  return { header: first.header, events, snapshots, tornBytes: sorted.at(-1)!.tornBytes };
}

function headerOf(payload: Uint8Array): LedgerHeader {
  const record = recordOf(payload, 0);
  const header = headerSchema.safeParse(record[1]);
  if (record[0] !== FRAME_HEADER || record.length !== 2 || !header.success) throw invalid(0, "is no header of a ledger of this version");
  return header.data;
}

function recordOf(payload: Uint8Array, at: number): readonly unknown[] {
  const value = decodePlain(payload);
  if (!value.ok) throw invalid(at, value.error);
  if (!Array.isArray(value.value)) throw invalid(at, "a frame holds a list");
  return value.value;
}

interface EventPlace {
  readonly schema: z.ZodType<RecordedEvent>;
  readonly index: number;
  readonly now: number;
  readonly at: number;
}

function eventOf(record: readonly unknown[], { schema, index, now, at }: EventPlace): LedgerEvent<RecordedEvent> {
  const [kind, gap, event, high, low] = record;
  if (kind !== FRAME_EVENT || record.length !== 5) throw invalid(at, `event ${index} is of no known kind`);
  if (typeof gap !== "number" || !(gap >= 0) || now + gap > Number.MAX_SAFE_INTEGER) throw invalid(at, `event ${index} has no time`);
  if (!isWord(high) || !isWord(low)) throw invalid(at, `event ${index} has no hash`);
  const checked = schema.safeParse(event);
  if (!checked.success) throw invalid(at, `event ${index}: ${checked.error.issues[0]?.message ?? "is not known"}`);
  return { index, at: now + gap, event: checked.data, hash: { high, low } };
}

function isWord(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= UINT32_MAX;
}

function invalid(offset: number, detail: string): HeddleError {
  return new HeddleError("ledger-invalid", { where: `byte ${offset}`, detail });
}
