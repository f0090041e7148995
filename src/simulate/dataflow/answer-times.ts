import { quantile } from "../../base/statistics.ts";
import type { Nanoseconds, Ratio } from "../../base/units.ts";
import type { DataflowRack, DeviceId, LinkId } from "../../engine/dataflow/dataflow-types.ts";
import type { RecordedStep } from "./recorded-clients.ts";

/** What passes beside the time a device or link is busy: the way there and back, what else the worker does first, and what the front end does meanwhile. */
export interface AnswerTimes {
  run(device: DeviceId): Nanoseconds;
  transfer(link: LinkId): Nanoseconds;
}

/** Answers that a time is taken from: the most recent ones, because machines change their speed. */
const RECENT = 200;
/**
 * One counts as at most so many times the median, as a run does in histories: in what is later than that the machine did something else. On four recorded
 * runs of a loaded machine forecasts with it were 1.06 times what happened in the mean, with the median alone 0.90, with plain means 1.19.
 */
const GROWTH_MAX: Ratio = 3;

/**
 * From a record: means by device and by link, because what is waited for adds up (the median of such times is half of their mean). A device or link
 * without answers has the mean of all.
 */
export function answerTimes(steps: readonly RecordedStep[], { links }: DataflowRack): AnswerTimes {
  const runs = new Map<number, { readonly at: Nanoseconds; readonly device: DeviceId }>();
  const transfers = new Map<number, { readonly at: Nanoseconds; readonly link: LinkId }>();
  const freeAt = new Map<number, Nanoseconds>();
  const ofDevices = new Map<DeviceId, Nanoseconds[]>();
  const ofLinks = new Map<LinkId, Nanoseconds[]>();
  for (const { at, event, commands } of steps) {
    if (event.type === "task-finished") {
      const run = runs.get(event.run);
      if (run !== undefined) add(ofDevices, run.device, at - run.at - event.durationNs);
    } else if (event.type === "transfer-finished") {
      const transfer = transfers.get(event.transfer);
      if (transfer === undefined) continue;
      // Transfers of one channel take turns, as in the virtual rack: what one waits for those before it is told apart there.
      const { channel } = links[transfer.link]!;
      const endNs = Math.max(transfer.at, freeAt.get(channel) ?? 0) + event.durationNs;
      freeAt.set(channel, Math.min(endNs, at));
      add(ofLinks, transfer.link, at - endNs);
    }
    for (const command of commands) {
      if (command.type === "start") runs.set(command.run, { at, device: command.devices[0]! });
      else if (command.type === "transfer") transfers.set(command.transfer, { at, link: command.link });
    }
  }
  return { run: meansOf(ofDevices), transfer: meansOf(ofLinks) };
}

function add(lists: Map<number, Nanoseconds[]>, key: number, ns: Nanoseconds): void {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  list.push(Math.max(0, ns));
}

function meansOf(lists: ReadonlyMap<number, readonly Nanoseconds[]>): (key: number) => Nanoseconds {
  const recent = new Map([...lists].map(([key, list]) => [key, list.slice(-RECENT)]));
  const means = new Map([...recent].map(([key, list]) => [key, meanOf(list)]));
  const all = meanOf([...recent.values()].flat());
  return (key) => means.get(key) ?? all;
}

function meanOf(list: readonly Nanoseconds[]): Nanoseconds {
  if (list.length === 0) return 0;
  const most = GROWTH_MAX * quantile(list, 0.5);
  return Math.round(list.reduce((sum, ns) => sum + Math.min(ns, most), 0) / list.length);
}
