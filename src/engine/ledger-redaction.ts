import type { RecordedEvent } from "./ledger.ts";

/** Stands for a token id that was not recorded. No engine reads token ids, so a replay decides alike. */
const NOT_RECORDED = -1;

/** The event without the token ids it carries. */
export function withoutTokens<Event extends RecordedEvent>(event: Event): Event {
  if (event.type === "task-finished" && "samples" in event) {
    return { ...event, samples: event.samples.map((sample) => ({ ...sample, token: NOT_RECORDED })) };
  }
  if (event.type === "message" && event.message.type === "token") return { ...event, message: { ...event.message, token: NOT_RECORDED } };
  return event;
}
