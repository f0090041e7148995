import type { Nanoseconds } from "../../base/units.ts";
import type { FleetCommand, FleetEvent } from "../../engine/fleet-engine-types.ts";
import type { RequestRecord } from "./request-record.ts";

interface OpenRecord {
  readonly queuedAt: Nanoseconds;
  readonly promptTokens: number;
  firstTokenAt: Nanoseconds | undefined;
  lastTokenAt: Nanoseconds | undefined;
  tokens: number;
}

/** Makes a record of every request from what the fleet engine takes in and gives out; an observer of its node, live and simulated. */
export interface RequestRecorder {
  observe(event: FleetEvent, now: Nanoseconds, commands: readonly FleetCommand[]): void;
  /** Records of the requests that have ended, in the order they ended. */
  readonly records: readonly RequestRecord[];
}

/** Records of requests as they end, for metrics: when they came, got their first and last token, and why they ended. */
export function createRequestRecorder(): RequestRecorder {
  const open = new Map<number, OpenRecord>();
  const records: RequestRecord[] = [];
  const close = (request: number, end: string, cachedTokens: number): void => {
    const record = open.get(request);
    if (record === undefined) return;
    open.delete(request);
    const { queuedAt, promptTokens, firstTokenAt, lastTokenAt, tokens } = record;
    const times = firstTokenAt === undefined || lastTokenAt === undefined ? {} : { firstTokenAt, lastTokenAt };
    records.push({ request, queuedAt, promptTokens, tokens, cachedTokens, end, ...times });
  };
  return {
    records,
    observe: (event, now, commands) => {
      if (event.type === "request-arrived") {
        const { request, promptTokens } = event;
        open.set(request, { queuedAt: now, promptTokens, firstTokenAt: undefined, lastTokenAt: undefined, tokens: 0 });
      }
      for (const command of commands) {
        if (command.type === "deliver") {
          const record = open.get(command.request);
          if (record === undefined) continue;
          record.firstTokenAt ??= now;
          record.lastTokenAt = now;
          record.tokens++;
        } else if (command.type === "finish") close(command.request, command.reason, command.cachedTokens);
        else if (command.type === "reject") close(command.request, command.code, 0);
      }
    },
  };
}
