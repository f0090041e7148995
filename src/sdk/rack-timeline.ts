import type { Nanoseconds } from "../base/units.ts";
import type { StorageId } from "../engine/dataflow/dataflow-types.ts";
import type { LoadedStage, MovedStorage, RanTask } from "../execute/dataflow/executor-watch.ts";
import type { RunPart } from "../execute/device/device-driver.ts";
import type { GangRow } from "../execute/gang/run-rank.ts";
import type { Device, Rack } from "../rack/rack.ts";
import { FRONT_END } from "../rack/rack-check.ts";
import type { Flow, Slice, SliceKind, Timeline, Track } from "../trace/timeline.ts";
import type { WayReport } from "./sdk-types.ts";

/** Collects what happened on a rack as a timeline. */
export interface RunTimeline {
  ran(
    run: RanTask & {
      /** The device's; of a gang, each member's. */
      readonly tracks: readonly string[];
      readonly name: string;
      readonly predictedNs: Nanoseconds | undefined;
      readonly owner: number | undefined;
    },
  ): void;
  moved(move: MovedStorage & { readonly from: string; readonly to: string; readonly tensor: string; readonly bytes: number }): void;
  loaded(load: LoadedStage & { readonly track: string; readonly name: string }): void;
  lost(track: string, atNs: Nanoseconds, detail: string): void;
  /** On the device it goes to, or on all. */
  wayChosen(way: Pick<WayReport, "graph" | "device" | "reason"> & { readonly atNs: Nanoseconds }): void;
  timeline(): Timeline;
}

export function createRunTimeline(rack: Rack): RunTimeline {
  const slices: Slice[] = [];
  const flows: Flow[] = [];
  const ends = [FRONT_END, ...rack.devices.map(({ id }) => id)];
  /** The slice that put a storage into a memory, by both. */
  const sources = new Map<string, number>();
  const links = new Map<string, Track>();
  const reconfigurations = new Map(rack.devices.map((device) => [device.id, reconfigurationNs(device)]));
  const key = (storage: StorageId, end: string): string => `${storage}@${end}`;
  const flow = (name: string, from: number | undefined, to: number): void => {
    if (from !== undefined && slices[from]!.endNs <= slices[to]!.endNs) flows.push({ name, from, to });
  };
  return {
    ran: ({ command, tracks, name, predictedNs, owner, startNs, endNs, busyNs, parts, members }) => {
      const predicted = predictedNs === undefined ? {} : { predictedNs: Math.round(predictedNs) };
      const places = tracks.map((track, member) => {
        const rows = members?.[member];
        const place = slices.length;
        const args = { stage: name, task: command.task, run: owner ?? "", ...predicted };
        if (rows === undefined) {
          // What the device was busy with ended with the answer, or shortly before.
          const ran = Math.min(Math.round(busyNs), endNs - startNs);
          slices.push({ track, kind: "run", name, startNs: endNs - ran, endNs, args: { ...args, busyNs: ran } });
          addParts(slices, { track, parts, startNs: endNs - ran, endNs });
        } else {
          slices.push({ track, kind: "run", name, startNs, endNs, args: { ...args, member, members: tracks.length } });
          addMember(slices, { track, rows, startNs, endNs });
        }
        return place;
      });
      for (const { storage, mode, discard, member } of command.bindings) {
        for (const [at, track] of tracks.entries()) {
          if (member !== -1 && member !== at) continue;
          const place = places[at]!;
          if (mode === "read") {
            const from = sources.get(key(storage, track));
            if (from !== undefined && slices[from]!.kind === "transfer") flow(slices[from]!.name, from, place);
          } else if (!discard) sources.set(key(storage, track), place);
        }
      }
    },
    moved: ({ command, from, to, tensor, bytes, startNs, endNs }) => {
      const id = `${from}>${to}`;
      links.set(id, { id, kind: "link", name: `${from} to ${to}` });
      const place =
        slices.push({ track: id, kind: "transfer", name: tensor, startNs, endNs, args: { tensor, bytes, purpose: command.purpose } }) - 1;
      flow(tensor, sources.get(key(command.storage, from)), place);
      sources.set(key(command.storage, to), place);
    },
    loaded: ({ track, name, startNs, endNs, compileNs }) => {
      slices.push({ track, kind: "load", name: `load ${name}`, startNs, endNs, args: { stage: name, compileNs } });
      const beganNs = Math.max(startNs, endNs - (reconfigurations.get(track) ?? 0));
      if (beganNs < endNs) slices.push({ track, kind: "reconfigure", name: "reconfigure", startNs: beganNs, endNs, args: { stage: name } });
    },
    lost: (track, atNs, detail) => slices.push({ track, kind: "lost", name: "lost", startNs: atNs, endNs: atNs, args: { detail } }),
    wayChosen: ({ graph, device, reason, atNs }) => {
      const name = device === undefined ? `${graph}: over all devices` : `${graph}: on ${device} alone`;
      for (const { id } of rack.devices)
        if (device === undefined || device === id)
          slices.push({ track: id, kind: "way", name, startNs: atNs, endNs: atNs, args: { graph, reason } });
    },
    timeline: () => ({
      name: rack.name,
      tracks: [
        ...rack.devices.map(({ id }): Track => ({ id, kind: "device", name: id })),
        ...[...links.values()].sort((a, b) => order(ends, a.id) - order(ends, b.id)),
      ],
      slices,
      flows,
    }),
  };
}

/** Of a load on the device, the part at its end in which it is configured for the stage; in wall time. */
function reconfigurationNs({ emulation }: Device): Nanoseconds {
  return emulation?.residency.type === "reconfigure" ? emulation.residency.reconfigureNs * emulation.slowdown : 0;
}

const KINDS: Readonly<Record<RunPart["what"], SliceKind>> = {
  launch: "launch",
  compute: "compute",
  padding: "padding",
  reconfigure: "reconfigure",
  transfer: "transfer",
  wait: "wait",
};

/** Parts of a run one after another, inside it. */
function addParts(
  slices: Slice[],
  { track, parts, startNs, endNs }: Pick<Slice, "track" | "startNs" | "endNs"> & { readonly parts: readonly RunPart[] },
): void {
  if (parts.length < 2) return;
  let at = startNs;
  for (const { what, ns } of parts) {
    const end = Math.min(endNs, at + Math.round(ns));
    if (end > at) slices.push({ track, kind: KINDS[what], name: what, startNs: at, endNs: end, args: {} });
    at = end;
  }
}

/**
 * Steps of a gang's member inside its run, collectives as slices of their own kind. A step is as long as the worker measured and ends where word of it
 * came, or where the next one begins.
 */
function addMember(
  slices: Slice[],
  { track, rows, startNs, endNs }: Pick<Slice, "track" | "startNs" | "endNs"> & { readonly rows: readonly GangRow[] },
): void {
  let until = endNs;
  const steps = [...rows].reverse().map(({ kind, name, ns, movedBytes, endNs: heardNs }): Slice => {
    const end = Math.max(startNs, Math.min(until, heardNs));
    until = Math.max(startNs, end - Math.round(ns));
    const args = kind === "collective" ? { bytes: movedBytes, ns } : { busyNs: ns };
    return { track, kind: kind === "collective" ? "collective" : "compute", name, startNs: until, endNs: end, args };
  });
  slices.push(...steps.reverse());
}

function order(ends: readonly string[], link: string): number {
  const [from = "", to = ""] = link.split(">");
  return ends.indexOf(from) * ends.length + ends.indexOf(to);
}
