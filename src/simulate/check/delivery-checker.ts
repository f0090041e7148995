import type { Nanoseconds } from "../../base/units.ts";
import type { FleetCommand, FleetEvent } from "../../engine/fleet-engine-types.ts";
import type { VirtualRequest } from "../run/run-input.ts";
import { syntheticToken } from "../run/synthetic-content.ts";
import type { RunWatcher } from "../run/watcher.ts";
import type { Report } from "./violation.ts";

/** A request as its client sees it. */
interface Client {
  delivered: number;
  ended: boolean;
  cancelled: boolean;
  /** First token the front end no longer wants. */
  stoppedAt: number | undefined;
}

/** What else happened in the run that may excuse an error. */
interface Excuses {
  draining: boolean;
  hostLost: boolean;
  deviceFailed: boolean;
}

/** Commands a client sees. */
type ClientCommand = FleetCommand & { type: "deliver" | "finish" | "reject" };

/** Invariant 1, seen from the clients: every token once, in order and the right one; one end each, for a reason that holds. */
export function createDeliveryChecker(requests: readonly VirtualRequest[], report: Report): RunWatcher {
  const clients = new Map<number, Client>();
  const excuses: Excuses = { draining: false, hostLost: false, deviceFailed: false };
  const check = (holds: boolean, at: Nanoseconds, message: () => string): void => {
    if (!holds) report({ invariant: 1, at, node: "fleet", message: message() });
  };

  const takeCommand = (command: ClientCommand, at: Nanoseconds): void => {
    const { request } = command;
    const client = clients.get(request);
    const asked = requests[request];
    check(client !== undefined && asked !== undefined, at, () => `${command.type} for request ${request}, which never came`);
    if (client === undefined || asked === undefined) return;
    check(!client.ended, at, () => `${command.type} for request ${request} after its end`);
    if (command.type === "deliver") {
      const wrong = wrongToken(command, client, asked);
      check(wrong === undefined, at, () => `request ${request}: ${wrong}`);
      client.delivered++;
      return;
    }
    client.ended = true;
    const wrong = command.type === "finish" ? wrongFinish(command, client, asked) : wrongReject(command.code, client, excuses);
    check(wrong === undefined, at, () => `request ${request}: ${wrong}`);
  };

  return {
    fleetStepped: (event, now, commands) => {
      takeEvent(event, clients, excuses);
      for (const command of commands) if (isForClient(command)) takeCommand(command, now);
      if (event.type !== "request-cancelled" && event.type !== "request-stopped") return;
      check(clients.get(event.request)?.ended === true, now, () => `request ${event.request} goes on though its client ended it`);
    },
    replicaStepped: (_life, { event }) => {
      if (event.type === "task-failed") excuses.deviceFailed = true;
    },
    hostEnded: () => {
      excuses.hostLost = true;
    },
  };
}

function isForClient(command: FleetCommand): command is ClientCommand {
  return command.type === "deliver" || command.type === "finish" || command.type === "reject";
}

function takeEvent(event: FleetEvent, clients: Map<number, Client>, excuses: Excuses): void {
  if (event.type === "request-arrived") {
    clients.set(event.request, { delivered: 0, ended: false, cancelled: false, stoppedAt: undefined });
  } else if (event.type === "request-cancelled") {
    const client = clients.get(event.request);
    if (client !== undefined) client.cancelled = true;
  } else if (event.type === "request-stopped") {
    const client = clients.get(event.request);
    if (client !== undefined) client.stoppedAt = event.index;
  } else if (event.type === "drain") excuses.draining = true;
}

function wrongToken(
  { request, index, token }: FleetCommand & { type: "deliver" },
  client: Client,
  asked: VirtualRequest,
): string | undefined {
  if (index !== client.delivered) return `token ${index} where ${client.delivered} is due`;
  if (token !== syntheticToken(request, index)) return `a wrong token at ${index}`;
  if (index >= asked.maxNewTokens) return `token ${index}, over its limit of ${asked.maxNewTokens}`;
  if (asked.stopAfter !== undefined && index >= asked.stopAfter) return "its stop token was delivered";
  return client.cancelled || client.stoppedAt !== undefined ? "a token after the client ended it" : undefined;
}

function wrongFinish(command: FleetCommand & { type: "finish" }, client: Client, asked: VirtualRequest): string | undefined {
  const { reason, generated, cachedTokens, promptTokens } = command;
  if (promptTokens !== asked.promptTokens) return `usage says ${promptTokens} prompt tokens of ${asked.promptTokens}`;
  if (cachedTokens < 0 || cachedTokens > promptTokens) return `usage says ${cachedTokens} cached of ${promptTokens}`;
  const wanted = client.stoppedAt ?? client.delivered;
  if (generated !== wanted) return `usage says ${generated} generated, ${wanted} count`;
  if (reason === "cancelled") return client.cancelled ? undefined : "cancelled, but not by its client";
  if (reason === "length") return client.delivered === asked.maxNewTokens ? undefined : `at its length after ${client.delivered} tokens`;
  const stopped = client.stoppedAt !== undefined || client.delivered === asked.stopAfter;
  return stopped ? undefined : `stopped after ${client.delivered} tokens without a stop`;
}

function wrongReject(code: string, client: Client, excuses: Excuses): string | undefined {
  if (code === "queue-full" || code === "prompt-too-long")
    return client.delivered === 0 ? undefined : `${code} after tokens were delivered`;
  if (code === "draining") return excuses.draining ? undefined : "draining, but nobody asked for it";
  if (code === "host-lost") return excuses.hostLost ? undefined : "host-lost, but all hosts live";
  if (code === "device-failed") return excuses.deviceFailed || excuses.hostLost ? undefined : "device-failed, but none did";
  return `rejected with ${code}`;
}
