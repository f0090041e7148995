import type { Nanoseconds, Ratio } from "../../base/units.ts";

/** A disturbance at a time of the run. */
export type RunFault =
  /** A replica's host dies with all its state. The fleet is told after `noticeNs`, or has to find out by its silence. */
  | { readonly type: "host-loss"; readonly atNs: Nanoseconds; readonly replica: number; readonly noticeNs?: Nanoseconds }
  /** Tasks that start on the device before `untilNs` take `factor` times as long. */
  | {
      readonly type: "slow-device";
      readonly atNs: Nanoseconds;
      readonly device: string;
      readonly factor: Ratio;
      readonly untilNs: Nanoseconds;
    }
  /** The next task of the replica, or the next that gathers sealed blocks, fails in its first stage. */
  | { readonly type: "task-failure"; readonly atNs: Nanoseconds; readonly replica: number; readonly gathering?: boolean }
  /** The front end takes no more requests. */
  | { readonly type: "drain"; readonly atNs: Nanoseconds };
