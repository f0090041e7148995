import type { RequestTable } from "./request-table.ts";
import type { ServingReplica } from "./serving-replica.ts";

/** Recounts what a replica keeps of images from the requests that hold some. Returns what is wrong. */
export function auditEncoder({ index, encoder }: ServingReplica, requests: RequestTable): string[] {
  const { images } = requests;
  if (encoder === undefined || images === undefined) return [];
  const faults: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) faults.push(`replica ${index}: ${what}`);
  };
  const readers = new Int32Array(encoder.readers.length);
  for (let i = 0; i < requests.count; i++) {
    if (requests.at[i] !== index) continue;
    for (let k = images.start[i]!; k < images.start[i + 1]!; k++) if (images.held[k] === 1) readers[images.content[k]!]! += 1;
  }
  let used = 0;
  let read = 0;
  let listed = 0;
  for (const [content, count] of encoder.readers.entries()) {
    const tokens = encoder.there[content]!;
    check(count === readers[content], `image ${content} has ${count} readers and not ${readers[content]}`);
    check(count === 0 || tokens > 0, `image ${content} is read and not there`);
    used += tokens;
    if (count > 0) read += tokens;
    if (count === 0 && tokens > 0) listed += 1;
  }
  check(used === encoder.used && read === encoder.read, `images take ${used} and ${read} tokens, not ${encoder.used} and ${encoder.read}`);
  check(used <= encoder.capacity, `images take ${used} tokens of ${encoder.capacity}`);
  let unread = 0;
  for (let content = encoder.oldest; content >= 0; content = encoder.newer[content]!) unread += 1;
  check(unread === listed, `${listed} images have no reader and ${unread} are in the order in which they go`);
  return faults;
}
