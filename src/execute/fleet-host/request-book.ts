import { assert, must } from "../../base/assert.ts";
import { HeddleError } from "../../base/heddle-error.ts";
import type { FleetCommand } from "../../engine/fleet-engine-types.ts";
import type { RequestId, SubmitMessage } from "../../engine/messages.ts";
import type { SubmitWork, TokenDetail } from "../replica-host/host-protocol.ts";
import type { TokenLogprobs } from "../sampling/sampling.ts";
import type { TokenListener, TokenRequest } from "./token-request.ts";

/** The requests of a live fleet that have not ended: what engines never read of them. */
export interface RequestBook {
  add(id: RequestId, request: TokenRequest, listener: TokenListener): void;
  /** What a host needs beside the `submit` message. */
  workFor(message: SubmitMessage): SubmitWork | undefined;
  note(detail: TokenDetail): void;
  deliver(command: Extract<FleetCommand, { type: "deliver" }>): void;
  finish(command: Extract<FleetCommand, { type: "finish" }>): void;
  reject(command: Extract<FleetCommand, { type: "reject" }>, detail: string | undefined): void;
  readonly size: number;
}

interface Entry {
  readonly request: TokenRequest;
  readonly listener: TokenListener;
  /** Tokens delivered so far. */
  readonly generated: number[];
  readonly details: Map<number, TokenLogprobs>;
}

export function createRequestBook(onEmpty: () => void): RequestBook {
  const entries = new Map<RequestId, Entry>();
  const take = (id: RequestId): Entry => {
    const entry = must(entries.get(id), "a request ends once");
    entries.delete(id);
    return entry;
  };
  const after = (): void => {
    if (entries.size === 0) onEmpty();
  };
  return {
    add: (id, request, listener) => {
      entries.set(id, { request, listener, generated: [], details: new Map() });
    },
    workFor: (message) => {
      const entry = entries.get(message.request);
      return entry === undefined ? undefined : workOf(entry, message);
    },
    note: ({ request, index, logprobs }) => {
      entries.get(request)?.details.set(index, logprobs);
    },
    deliver: ({ request, index, token }) => {
      const entry = must(entries.get(request), "tokens go to a request that has not ended");
      assert(index === entry.generated.length, "tokens are delivered in order", { request, index });
      entry.generated.push(token);
      const logprobs = entry.details.get(index);
      entry.details.delete(index);
      entry.listener.token(index, token, logprobs);
    },
    finish: ({ request, reason, promptTokens, generated, cachedTokens }) => {
      take(request).listener.end({ type: "finished", reason, usage: { promptTokens, generated, cachedTokens } });
      after();
    },
    reject: ({ request, code }, detail) => {
      take(request).listener.end({ type: "rejected", error: new HeddleError(code, detail === undefined ? {} : { detail }) });
      after();
    },
    get size() {
      return entries.size;
    },
  };
}

function workOf({ request, generated }: Entry, message: SubmitMessage): SubmitWork {
  const { tokens, salt, sampling } = request;
  const all = new Int32Array(message.promptTokens);
  assert(all.length <= tokens.length + generated.length, "a submit counts known tokens", { request: message.request });
  for (let i = 0; i < all.length; i++) all[i] = i < tokens.length ? tokens[i]! : generated[i - tokens.length]!;
  return { request: message.request, attempt: message.attempt, tokens: all, promptTokens: tokens.length, salt, sampling };
}
