import { mix32 } from "../../base/prng.ts";
import { type CommandHash, emptyCommandHash, hashText } from "../command-hash.ts";

/** What a serving run decides; `detail` in brackets. */
export const DECISION = {
  /** A request goes to a replica [its prompt tokens believed cached there]. */
  route: 0,
  /** A replica admits a request [tokens found in its cache]. */
  admit: 1,
  /** A replica takes a request's blocks away [tokens that were computed]. */
  preempt: 2,
  /** A request ends [0]. */
  end: 3,
  /** A request can never be served [0]. */
  reject: 4,
  /** Its KV starts to move to another replica [tokens]. */
  transfer: 5,
  /** A replica fails or comes back [0 or 1]; the request is 0. */
  replica: 6,
  /** With prefill and decode apart: a request goes back to prefill, because the replica named lost its KV [output tokens it has]. */
  restart: 7,
  /** The move of its KV is broken off, because one of its ends is lost [0]. */
  breakOff: 8,
  /** With prefill and decode apart: KV comes from the tier outside its replica's devices [tokens]. */
  load: 9,
  /** A replica loads an adapter into a slot [0 from host, 1 from disk]; in the place of the request stands the adapter. */
  adapter: 10,
  /** With encoders apart: a replica begins to encode an image of a request [its tokens; 0: found encoded]. */
  encode: 11,
  /** With encoders apart: what was made of an image of a request starts to move to the replica named [its tokens]. */
  embed: 12,
} as const;

/** Decisions in the order they were taken: a rolling hash, and records of 5 to 30 bytes. */
export interface DecisionLog {
  readonly hash: CommandHash;
  bytes: Uint8Array;
  length: number;
  lastNs: number;
  count: number;
}

export interface Decision {
  readonly kind: number;
  readonly replica: number;
  readonly request: number;
  readonly atNs: number;
  readonly detail: number;
}

const BYTES_FIRST = 4096;
/** Longest record: the kind, three numbers below 2^31 and a time below 2^53, seven bits a byte. */
const RECORD_MAX = 1 + 3 * 5 + 8;
const TWO_TO_32 = 4294967296;

export function decisionLog(): DecisionLog {
  return { hash: emptyCommandHash(), bytes: new Uint8Array(BYTES_FIRST), length: 0, lastNs: 0, count: 0 };
}

/** Complexity: O(1), no allocation but growth by doubling. */
export function recordDecision(log: DecisionLog, kind: number, replica: number, request: number, atNs: number, detail: number): void {
  const { hash } = log;
  const high = Math.floor(atNs / TWO_TO_32);
  let a = mix32(hash.high ^ atNs);
  a = mix32(a ^ request ^ (kind << 28));
  a = mix32(a ^ replica ^ (high << 16));
  hash.high = mix32(a ^ detail);
  hash.low = (Math.imul(hash.low ^ a, 0x01000193) + hash.high) >>> 0;
  if (log.length + RECORD_MAX > log.bytes.length) grow(log);
  log.count += 1;
  log.bytes[log.length++] = kind;
  writeNumber(log, replica);
  writeNumber(log, request);
  writeNumber(log, detail);
  let since = atNs - log.lastNs;
  log.lastNs = atNs;
  // Times are above 2^31: seven bits a byte by division.
  while (since >= 128) {
    const rest = Math.floor(since / 128);
    log.bytes[log.length++] = since - rest * 128 + 128;
    since = rest;
  }
  log.bytes[log.length++] = since;
}

/** The records, for whoever keeps or replays them. */
export function decisionBytes(log: DecisionLog): Uint8Array {
  return log.bytes.slice(0, log.length);
}

export function decisionHash(log: DecisionLog): string {
  return hashText(log.hash);
}

/** Reads what `recordDecision` wrote. */
export function* readDecisions(bytes: Uint8Array): Generator<Decision> {
  let at = 0;
  let atNs = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const kind = bytes[at++]!;
    const replica = number();
    const request = number();
    const detail = number();
    atNs += number();
    yield { kind, replica, request, atNs, detail };
  }
}

function writeNumber(log: DecisionLog, value: number): void {
  let rest = value;
  while (rest >= 128) {
    log.bytes[log.length++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  log.bytes[log.length++] = rest;
}

function grow(log: DecisionLog): void {
  const bytes = new Uint8Array(log.bytes.length * 2);
  bytes.set(log.bytes);
  log.bytes = bytes;
}
