import type { ErrorCode } from "../base/error-codes.ts";
import type { Nanoseconds } from "../base/units.ts";
import type { BlockKey } from "../state/block.ts";
import type { FinishReason, FromReplica, RequestId, ToReplica } from "./messages.ts";

/** What enters the fleet engine. */
export type FleetEvent =
  /** First event of a run: every replica is started. */
  | { readonly type: "start" }
  | RequestArrived
  | { readonly type: "request-cancelled"; readonly request: RequestId }
  /** The front end found a stop string; `index` is the first generated token not to be delivered. */
  | { readonly type: "request-stopped"; readonly request: RequestId; readonly index: number }
  | { readonly type: "replica-up"; readonly replica: number; readonly incarnation: number }
  | { readonly type: "replica-down"; readonly replica: number; readonly incarnation: number; readonly detail: string }
  | { readonly type: "message"; readonly replica: number; readonly incarnation: number; readonly message: FromReplica }
  | { readonly type: "drain" };

export interface RequestArrived {
  readonly type: "request-arrived";
  readonly request: RequestId;
  readonly promptTokens: number;
  readonly maxNewTokens: number;
  readonly keys: readonly BlockKey[];
  readonly parts: readonly BlockKey[];
  readonly priority: number;
}

/** What leaves the fleet engine. */
export type FleetCommand =
  | { readonly type: "send"; readonly replica: number; readonly incarnation: number; readonly message: ToReplica }
  /** Token `index` of the request goes to its client; indices of a request rise by one without gaps. */
  | { readonly type: "deliver"; readonly request: RequestId; readonly index: number; readonly token: number }
  | {
      readonly type: "finish";
      readonly request: RequestId;
      readonly reason: FinishReason;
      readonly promptTokens: number;
      readonly generated: number;
      readonly cachedTokens: number;
    }
  | { readonly type: "reject"; readonly request: RequestId; readonly code: ErrorCode }
  /** Start (or start again) the host of a replica; its `replica-up` carries this incarnation. */
  | { readonly type: "start-replica"; readonly replica: number; readonly incarnation: number; readonly at: Nanoseconds }
  | { readonly type: "kill-replica"; readonly replica: number; readonly incarnation: number };
