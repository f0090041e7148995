import { quantile } from "../base/statistics.ts";
import type { Nanoseconds, Ratio } from "../base/units.ts";

/** Device of the way over all devices, task by task and by schedules. */
export const MIXED = -1;

/** A way that work which comes again can go: over all devices, or on one of them alone; and what it took. */
export interface Way {
  readonly device: number;
  /** Makespans measured last, the latest at the end; at most `RECENT`. */
  readonly recentNs: Nanoseconds[];
  /** Of these, each over what the chosen way took shortly before; none for the chosen way itself. */
  ratios: Ratio[];
  /** Times it was taken, measured or not. */
  tries: number;
  /** When it is looked at again, in times that the work came. */
  checkAt: number;
}

/** What is known of work that comes again. */
export interface WayRecord {
  /** Times it came. */
  times: number;
  /** The first is the mixed one. */
  readonly ways: Way[];
  /** Index of the quickest so far. */
  chosen: number;
}

/** Why a way is taken: histories are filling, it is being tried, it is looked at again, or it was measured to be the quickest. */
export type WayReason = "learning" | "trial" | "check" | "quickest";

export interface WayChoice {
  readonly way: number;
  readonly reason: WayReason;
}

/** Times that are not measured: stages are loaded, and kinds of runs tried on devices that have not had them. */
export const WARM_TIMES = 2;
/** Measurements of a way before it may be the quickest. */
const TRIES = 3;
/** Times it is taken for that: some are not measured, as where a stage was loaded. */
const TRIES_MAX = 2 * TRIES;
const RECENT = 7;
/** Makespans of the chosen way that another one is held against: the last ones, because machines are busy at one time and not at another. */
const NEAR = 3;
/** A way that once took so many times as long is not tried out further now; less may be code that is not compiled yet. */
const GIVE_UP: Ratio = 1.5;
/** A way takes the place of another where it gains so much: each change has its price, and makespans are not that exact. */
const GAIN_MIN: Ratio = 0.03;
/**
 * So many of its ratios must be below 1. Why: of 3 with a deviation of a quarter, which small batches have on a busy machine, those of a way that takes 1.25 times as long have a median that
 * gains enough once in 11 draws of them, and are all below 1 once in 100.
 */
const SURE: Ratio = 0.75;
/** Another way is looked at again after so many times, or later, so that what it loses is at most this share of all. */
const CHECK_EVERY = 16;
const CHECK_COST: Ratio = 0.01;
/** Where the chosen way takes so many times what it took, all others are looked at at once. */
const SLOWED: Ratio = 1.5;

export function createWayRecord(): WayRecord {
  return { times: 0, ways: [wayOn(MIXED)], chosen: 0 };
}

export function wayOn(device: number): Way {
  return { device, recentNs: [], ratios: [], tries: 0, checkAt: 0 };
}

/** Infinity where it was not measured. */
export function medianNs({ recentNs }: Way): Nanoseconds {
  return recentNs.length === 0 ? Infinity : quantile(recentNs, 0.5);
}

/** What a way takes over what the chosen one takes, at about the same time; 1 for that one, Infinity where it was not measured. */
export function ratioOf({ ways, chosen }: WayRecord, way: Way): Ratio {
  if (way === ways[chosen]) return 1;
  return way.ratios.length === 0 ? Infinity : quantile(way.ratios, 0.5);
}

/** The chosen way's median; Infinity before its first measurement. */
export function chosenNs({ ways, chosen }: WayRecord): Nanoseconds {
  return medianNs(ways[chosen]!);
}

/**
 * The way to take next: each is measured a few times in turns, then the quickest is taken, and now and then another one is looked at again.
 *
 * Model: ways are compared by ratios of makespans that lie near one another in time, because on a busy machine, or while code is compiled, all of them take
 * longer. A way costs no more than its trials, and a share of `CHECK_COST` afterwards. `mayBe`: whether a device could be the quickest alone; it is asked
 * only where a way is to be tried.
 */
export function chooseWay(record: WayRecord, mayBe: (device: number) => boolean): WayChoice {
  const { ways, chosen, times } = record;
  if (times < WARM_TIMES) return { way: 0, reason: "learning" };
  let open = -1;
  let due = -1;
  for (const [at, way] of ways.entries()) {
    const before = open < 0 ? Infinity : ways[open]!.recentNs.length;
    if (isOpen(record, way) && way.recentNs.length < before && (way.device === MIXED || mayBe(way.device))) open = at;
    const checkedBefore = due < 0 ? times + 1 : ways[due]!.checkAt;
    if (at !== chosen && way.checkAt < checkedBefore && (way.device === MIXED || mayBe(way.device))) due = at;
  }
  if (open >= 0) return { way: open, reason: "trial" };
  return due >= 0 ? { way: due, reason: "check" } : { way: chosen, reason: "quickest" };
}

function isOpen(record: WayRecord, way: Way): boolean {
  if (way.recentNs.length >= TRIES || way.tries >= TRIES_MAX) return false;
  return way.ratios.length === 0 || Math.min(...way.ratios) <= GIVE_UP || way === record.ways[record.chosen];
}

/** Takes in what a way took; `undefined` where it was not measured. */
export function recordWay(record: WayRecord, { way: at, reason }: WayChoice, ns: Nanoseconds | undefined): void {
  const { ways } = record;
  const way = ways[at]!;
  record.times++;
  if (reason === "learning") return;
  way.tries++;
  const near = ways[record.chosen]!.recentNs.slice(-NEAR);
  if (ns !== undefined) {
    keep(way.recentNs, ns);
    if (at !== record.chosen && near.length > 0) keep(way.ratios, ns / quantile(near, 0.5));
  }
  if (at === record.chosen) {
    if (near.length === NEAR && quantile(near, 0.5) > SLOWED * medianNs(way))
      for (const other of ways) other.checkAt = Math.min(other.checkAt, record.times);
    return;
  }
  const ratio = ratioOf(record, way);
  // What a device does seldom it does slowly at first: the last ratios say how soon it is worth another look.
  const lately = way.ratios.length === 0 ? RATIO_MAX : Math.min(RATIO_MAX, quantile(way.ratios.slice(-NEAR), 0.5));
  // One that did better is looked at until its median says so, or it does not.
  const better = ns !== undefined && (way.ratios.at(-1) ?? 1) < 1 - GAIN_MIN;
  way.checkAt = record.times + (better ? 1 : Math.max(CHECK_EVERY, Math.ceil((lately - 1) / CHECK_COST)));
  const below = way.ratios.filter((one) => one < 1).length;
  if (way.ratios.length >= TRIES && ratio < 1 - GAIN_MIN && below >= SURE * way.ratios.length) takePlace(record, at);
}

/** What was never measured is looked at again as late as what took so many times as long. */
const RATIO_MAX = 4;

function keep(values: number[], value: number): void {
  values.push(value);
  if (values.length > RECENT) values.shift();
}

/** Another way is the chosen one: what is known of the others is held against it. */
function takePlace(record: WayRecord, at: number): void {
  const { ways, chosen } = record;
  const way = ways[at]!;
  const ratio = ratioOf(record, way);
  ways[chosen]!.ratios = way.ratios.map((one) => 1 / one);
  for (const other of ways) if (other !== way && other !== ways[chosen]) other.ratios = other.ratios.map((one) => one / ratio);
  way.ratios = [];
  ways[chosen]!.checkAt = record.times + CHECK_EVERY;
  record.chosen = at;
}
