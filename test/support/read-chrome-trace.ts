/** A reader of Chrome traces of its own: what viewers lean on, checked from the JSON alone. */
export interface ReadTrace {
  readonly slices: readonly ReadSlice[];
  readonly flows: number;
  /** What breaks the format or could not be drawn. */
  readonly flaws: readonly string[];
}

export interface ReadSlice {
  readonly thread: string;
  readonly process: string;
  readonly name: string;
  readonly kind: string;
  readonly startNs: number;
  readonly endNs: number;
  readonly args: Readonly<Record<string, unknown>>;
}

interface Event {
  readonly ph: string;
  readonly name: string;
  readonly cat: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly id: number;
  readonly bp?: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export function readChromeTrace(text: string): ReadTrace {
  const { traceEvents } = JSON.parse(text) as { traceEvents: readonly Event[] };
  const flaws: string[] = [];
  const named = (what: string, pid: number, tid?: number): string => {
    const found = traceEvents.find(
      ({ ph, name, ...e }) => ph === "M" && name === what && e.pid === pid && (tid === undefined || e.tid === tid),
    );
    if (found === undefined) flaws.push(`${what} of ${pid}, ${tid} is missing`);
    return String(found?.args["name"]);
  };
  const ns = (us: number): number => Math.round(us * 1000);
  const threads = new Map<string, { name: string; process: string; open: number[]; last: number }>();
  const slices: ReadSlice[] = [];
  for (const { ph, pid, tid, ts, dur, name, cat, args } of traceEvents) {
    if (ph !== "X") continue;
    const key = `${pid} ${tid}`;
    const thread = threads.get(key) ?? { name: named("thread_name", pid, tid), process: named("process_name", pid), open: [], last: 0 };
    threads.set(key, thread);
    const [start, end] = [ns(ts), ns(ts) + ns(dur)];
    if (!(ts >= 0 && dur >= 0)) flaws.push(`${name} has no time`);
    if (start < thread.last) flaws.push(`${name} goes back in time`);
    thread.last = start;
    while (thread.open.length > 0 && thread.open.at(-1)! <= start) thread.open.pop();
    if (thread.open.length > 0 && end > thread.open.at(-1)!) flaws.push(`${name} overlaps another on ${thread.name}`);
    thread.open.push(end);
    slices.push({ thread: thread.name, process: thread.process, name, kind: cat, startNs: start, endNs: end, args });
  }
  const flows = traceEvents.filter(({ ph }) => ph === "s");
  for (const start of flows) {
    const ends = traceEvents.filter(({ ph, id, cat }) => ph === "f" && id === start.id && cat === start.cat);
    if (ends.length !== 1) flaws.push(`arrow ${start.id} has ${ends.length} ends`);
    for (const point of [start, ...ends]) {
      if (point.ph === "f" && (point.bp !== "e" || point.ts < start.ts)) flaws.push(`arrow ${start.id} points back`);
      const inside = traceEvents.some(
        ({ ph, pid, tid, ts, dur }) =>
          ph === "X" && pid === point.pid && tid === point.tid && ns(ts) <= ns(point.ts) && ns(point.ts) <= ns(ts) + ns(dur),
      );
      if (!inside) flaws.push(`arrow ${start.id} touches no slice`);
    }
  }
  return { slices, flows: flows.length, flaws };
}
