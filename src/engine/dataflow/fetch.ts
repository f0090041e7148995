import { must } from "../../base/assert.ts";
import { NONE } from "./dataflow-state.ts";
import { type DataflowFailure, type FetchId, type HandleId, HOME } from "./dataflow-types.ts";
import { type Flow, storageBy, valueBy } from "./flow.ts";
import { instanceAt, lease, unlease } from "./instances.ts";
import { bring } from "./moves.ts";
import { combine } from "./submit.ts";
import { addReader, removeReader } from "./values.ts";

/** The client wants a handle's value at home. */
export function beginFetch(flow: Flow, fetch: FetchId, handle: HandleId): void {
  const { state } = flow;
  const known = state.handles.get(handle);
  if (known === undefined) {
    flow.commands.push({ type: "rejected", fetch, handle, refusal: { code: "unknown-handle", handle } });
    return;
  }
  combine(flow, handle);
  if (known.current === NONE) {
    flow.commands.push({ type: "rejected", fetch, handle, refusal: { code: "no-value", handle } });
    return;
  }
  const value = valueBy(flow, known.current);
  addReader(flow, value);
  value.fetches.push(fetch);
  state.fetches.set(fetch, { id: fetch, handle, value: value.id, delivered: false, transferFailures: 0 });
  flow.fetchesToLookAt.push(fetch);
}

/** Goes on with a fetch: brings the value home, and delivers it when it is there. */
export function pursueFetch(flow: Flow, id: FetchId): void {
  const fetch = flow.state.fetches.get(id);
  if (fetch === undefined || fetch.delivered) return;
  const value = valueBy(flow, fetch.value);
  if (value.failure !== undefined) {
    failFetch(flow, id, value.failure);
    return;
  }
  if (!value.made) {
    if (value.sized) flow.valuesToMake.push(value.id);
    return;
  }
  if (bring(flow, value, { memory: HOME, purpose: "fetch" }) !== "here") return;
  const storage = storageBy(flow, value.storage);
  lease(flow, storage, { memory: HOME, bytes: value.bytes });
  fetch.delivered = true;
  flow.commands.push({ type: "deliver", fetch: id, handle: fetch.handle, storage: storage.id, bytes: value.bytes });
}

export function failFetch(flow: Flow, id: FetchId, failure: DataflowFailure): void {
  flow.commands.push({ type: "fetch-failed", fetch: id, failure });
  forgetFetch(flow, id);
}

/** The client has the bytes. */
export function endFetch(flow: Flow, id: FetchId): void {
  const fetch = flow.state.fetches.get(id);
  if (fetch?.delivered !== true) {
    flow.state.counts.stale++;
    return;
  }
  const storage = storageBy(flow, valueBy(flow, fetch.value).storage);
  unlease(flow, storage, must(instanceAt(storage, HOME), "what is delivered is at home"));
  forgetFetch(flow, id);
}

function forgetFetch(flow: Flow, id: FetchId): void {
  const fetch = must(flow.state.fetches.get(id), "a fetch ends once");
  flow.state.fetches.delete(id);
  const value = valueBy(flow, fetch.value);
  value.fetches = value.fetches.filter((other) => other !== id);
  removeReader(flow, value);
}
