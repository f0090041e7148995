import { assert } from "../base/assert.ts";
import type { Nanoseconds } from "../base/units.ts";
import { type CommandHash, emptyCommandHash, hashCommand, hashText } from "./command-hash.ts";
import {
  FRAME_EVENT,
  FRAME_HEADER,
  FRAME_SNAPSHOT,
  LEDGER_FORMAT,
  type LedgerHeader,
  type LedgerIdentity,
  type RecordedEvent,
} from "./ledger.ts";
import { frameOf } from "./ledger-frame.ts";
import { withoutTokens } from "./ledger-redaction.ts";
import { encodePlain, encodePlainRecord } from "./plain-data.ts";

/** Where a ledger goes. A frame that was handed over whole can be read back, whatever happens to its writer afterwards. */
export interface LedgerSink {
  /** Appends a frame to the segment. */
  write(frame: Uint8Array): void;
  /** Begins segment `index`, from 1; what is written next goes there. Absent: the ledger is one segment. */
  beginSegment?(index: number): void;
}

export interface LedgerWriterOptions {
  /** Events between two snapshots of the engine. */
  readonly snapshotEvery?: number;
  /** Size after which the next snapshot begins a new segment. */
  readonly segmentBytesMax?: number;
  /** State of the engine now; without it there are no snapshots and one segment. */
  readonly snapshot?: () => unknown;
}

/** Records every event of one engine; its `record` is an observer of the engine's node. */
export interface LedgerWriter {
  record(event: RecordedEvent, now: Nanoseconds, commands: readonly object[]): void;
  /** Hash of all commands so far, 16 hex digits. */
  hash(): string;
}

/** A snapshot now and then bounds how far back a what-if must replay, at some ten kB each. */
const SNAPSHOT_EVERY = 4_096;
const SEGMENT_BYTES_MAX = 67_108_864;

interface Writing {
  readonly sink: LedgerSink;
  readonly identity: LedgerIdentity;
  readonly hash: CommandHash;
  index: number;
  lastNs: Nanoseconds;
  segment: number;
  segmentBytes: number;
}

/** Starts a ledger: the header is written at once, then one frame an event. Token ids are dropped unless the identity says `kept`. */
export function createLedgerWriter(sink: LedgerSink, identity: LedgerIdentity, options: LedgerWriterOptions = {}): LedgerWriter {
  const { snapshotEvery = SNAPSHOT_EVERY, segmentBytesMax = SEGMENT_BYTES_MAX, snapshot } = options;
  const writing: Writing = { sink, identity, hash: emptyCommandHash(), index: 0, lastNs: 0, segment: 0, segmentBytes: 0 };
  writeHeader(writing);
  return {
    record: (event, now, commands) => {
      writeEvent(writing, { event, now, commands });
      if (snapshot === undefined || writing.index % snapshotEvery !== 0) return;
      if (sink.beginSegment !== undefined && writing.segmentBytes > segmentBytesMax) {
        writing.segment++;
        writing.segmentBytes = 0;
        sink.beginSegment(writing.segment);
        writeHeader(writing);
      }
      write(writing, encodePlain([FRAME_SNAPSHOT, writing.index, snapshot()]));
    },
    hash: () => hashText(writing.hash),
  };
}

function writeHeader(writing: Writing): void {
  const { identity, segment, index, lastNs, hash } = writing;
  const header: LedgerHeader = {
    format: LEDGER_FORMAT,
    ...identity,
    segment,
    firstIndex: index,
    startNs: lastNs,
    startHash: hashText(hash),
  };
  write(writing, encodePlain([FRAME_HEADER, header]));
}

function writeEvent(writing: Writing, given: { event: RecordedEvent; now: Nanoseconds; commands: readonly object[] }): void {
  const { now } = given;
  assert(now >= writing.lastNs, "an engine's time never goes back", { now, last: writing.lastNs });
  for (const command of given.commands) hashCommand(writing.hash, command);
  const event = writing.identity.tokens === "kept" ? given.event : withoutTokens(given.event);
  const { high, low } = writing.hash;
  write(writing, encodePlainRecord([FRAME_EVENT, now - writing.lastNs, event, high, low]));
  writing.lastNs = now;
  writing.index++;
}

function write(writing: Writing, payload: Uint8Array): void {
  const frame = frameOf(payload);
  writing.segmentBytes += frame.length;
  writing.sink.write(frame);
}
