/** What a pull is doing now. */
export interface PullProgress {
  readonly stage: "download" | "unpack" | "check";
  /** Host, package or file the bytes come from. */
  readonly source: string;
  readonly file: string;
  /** Done so far, what an earlier try left included. Units: bytes. */
  readonly bytes: number;
  /** Undefined where the source does not say. */
  readonly totalBytes: number | undefined;
}

export type OnProgress = (progress: PullProgress) => void;
