import type { FleetEvent } from "./fleet-engine-types.ts";
import type { ReplicaEvent } from "./replica-engine-types.ts";

/** Stands for a token id that was not recorded. No engine reads token ids, so a replay decides alike. */
const NOT_RECORDED = -1;

/** The event without the token ids it carries. */
export function withoutTokens<Event extends FleetEvent | ReplicaEvent>(event: Event): Event {
  if (event.type === "task-finished") {
    return { ...event, samples: event.samples.map((sample) => ({ ...sample, token: NOT_RECORDED })) };
  }
  if (event.type === "message" && event.message.type === "token") return { ...event, message: { ...event.message, token: NOT_RECORDED } };
  return event;
}
