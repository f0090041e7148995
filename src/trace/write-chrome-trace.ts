import { assert } from "../base/assert.ts";
import { layOut } from "./lanes.ts";
import type { Timeline, Track } from "./timeline.ts";

const NS_PER_US = 1000;
const PROCESSES = { device: 1, link: 2 } as const;

/** An event of the format; only the kinds written here. */
type ChromeEvent = Readonly<Record<string, unknown>>;

interface Place {
  readonly pid: number;
  readonly tid: number;
}

/**
 * A timeline in the JSON form of Chrome's trace viewer and Perfetto: a thread a device and link (further ones where slices overlap), slices with their
 * arguments, arrows for hand-overs.
 *
 * Units: the format counts microseconds, here with three decimals: no nanosecond is lost below 104 days.
 * Errors: an assertion where a slice ends before it begins or names a track that is not there.
 * Source: Trace Event Format (Google, 2016): phases M, X, s and f; `bp: e` binds an arrow's end to the slice around it.
 */
export function writeChromeTrace(timeline: Timeline): string {
  const places = new Map<number, Place>();
  const events = timeline.tracks.flatMap((track) => trackEvents(timeline, track, places));
  assert(places.size === timeline.slices.length, "every slice is on a track", { slices: timeline.slices.length, placed: places.size });
  const flows = timeline.flows.flatMap(({ name, from, to }, id) => {
    const [source, target] = [timeline.slices[from]!, timeline.slices[to]!];
    // An arrow starts inside its slice: at its very end a viewer would take it for the next one's.
    const leave = Math.max(source.startNs, source.endNs - 1);
    return [
      { ph: "s", cat: "hand-over", name, id, ts: leave / NS_PER_US, ...places.get(from)! },
      { ph: "f", bp: "e", cat: "hand-over", name, id, ts: Math.max(leave, target.startNs) / NS_PER_US, ...places.get(to)! },
    ];
  });
  const names = Object.entries({ device: "devices", link: "links" } as const).map(([kind, name]) =>
    metadata("process_name", { pid: PROCESSES[kind as Track["kind"]], tid: 0 }, { name }),
  );
  const lines = [...names, ...events, ...flows].map((event) => JSON.stringify(event));
  return `{"displayTimeUnit":"ns","otherData":${JSON.stringify({ name: timeline.name })},"traceEvents":[\n${lines.join(",\n")}\n]}\n`;
}

/** Events of a track, lane by lane, each in the order of time. */
function trackEvents({ tracks, slices }: Timeline, track: Track, places: Map<number, Place>): ChromeEvent[] {
  const members = slices.flatMap((slice, i) => (slice.track === track.id ? [i] : []));
  const laid = layOut(slices, members);
  const lanes = laid.reduce((most, { lane }) => Math.max(most, lane), 0) + 1;
  const pid = PROCESSES[track.kind];
  const events: ChromeEvent[] = [];
  for (let lane = 0; lane < lanes; lane++) {
    // Threads of one track stand together, in the order of tracks.
    const tid = tracks.indexOf(track) * LANES_A_TRACK + lane + 1;
    events.push(metadata("thread_name", { pid, tid }, { name: lane === 0 ? track.name : `${track.name} (${lane + 1})` }));
    events.push(metadata("thread_sort_index", { pid, tid }, { sort_index: tid }));
    for (const { slice, lane: own } of laid) {
      if (own !== lane) continue;
      const { kind, name, startNs, endNs, args } = slices[slice]!;
      assert(endNs >= startNs, "a slice ends after it begins", { name, startNs, endNs });
      places.set(slice, { pid, tid });
      events.push({ ph: "X", cat: kind, name, ts: startNs / NS_PER_US, dur: (endNs - startNs) / NS_PER_US, pid, tid, args });
    }
  }
  return events;
}

/** Room between the thread numbers of two tracks; more lanes than transfers of one link ever overlap. */
const LANES_A_TRACK = 10_000;

function metadata(name: string, { pid, tid }: Place, args: Readonly<Record<string, string | number>>): ChromeEvent {
  return { ph: "M", name, pid, tid, args };
}
