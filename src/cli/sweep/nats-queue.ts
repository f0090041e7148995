import type { ConsumerMessages, JetStreamClient, JetStreamManager, JsMsg } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { HeddleError } from "../../base/heddle-error.ts";
import type { PointRow } from "../../simulate/sweep/point-row.ts";
import type { SweepJob } from "./sweep-job.ts";

/** Sweeps between hosts lie in one stream each: what they are, the points that are left, and rows, at most one for each point. */
const STREAM = "heddle-sweep-";
const SUBJECT = "heddle.sweep";
const POINTS = "points";
/** A point whose worker says nothing for so long goes to another one; workers say that they live three times meanwhile. Units: ms. */
export const POINT_LEASE_MS = 15_000;
const NS_PER_MS = 1e6;
const FINGERPRINT_DIGITS = 16;

/** A connection to a server with JetStream. */
export interface SweepServer {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly manager: JetStreamManager;
  /** Of the library, as it is loaded when it is needed. */
  readonly policies: typeof import("@nats-io/jetstream");
}

/** Connects to a NATS server. Errors: `driver-missing` where the client is not installed; `queue-lost`. */
export async function openSweepServer(url: string): Promise<SweepServer> {
  const [transport, policies] = await clients();
  try {
    const connection = await transport.connect({ servers: url, maxReconnectAttempts: -1, timeout: 5_000 });
    const manager = await policies.jetstreamManager(connection);
    return { connection, client: policies.jetstream(connection), manager, policies };
  } catch (cause) {
    throw lost(url, cause);
  }
}

async function clients(): Promise<[typeof import("@nats-io/transport-node"), typeof import("@nats-io/jetstream")]> {
  try {
    return await Promise.all([import("@nats-io/transport-node"), import("@nats-io/jetstream")]);
  } catch (cause) {
    throw new HeddleError("driver-missing", { where: "--nats", detail: "npm install @nats-io/transport-node @nats-io/jetstream", cause });
  }
}

export function lost(where: string, cause: unknown): HeddleError {
  return new HeddleError("queue-lost", { where, detail: cause instanceof Error ? cause.message : String(cause), cause });
}

export function streamName(fingerprint: string): string {
  return `${STREAM}${fingerprint.slice(0, FINGERPRINT_DIGITS)}`;
}

function subject(fingerprint: string, ...parts: readonly (string | number)[]): string {
  return [SUBJECT, fingerprint.slice(0, FINGERPRINT_DIGITS), ...parts].join(".");
}

/**
 * Lays the points of a sweep into the queue. What an earlier coordinator of the same sweep laid or got stays: a second message of a subject is refused.
 *
 * Errors: those of the server.
 */
export async function layPoints(
  server: SweepServer,
  fingerprint: string,
  { job, points }: { readonly job: SweepJob; readonly points: readonly number[] },
): Promise<void> {
  const { manager, client, policies } = server;
  await manager.streams.add({
    name: streamName(fingerprint),
    subjects: [subject(fingerprint, ">")],
    retention: policies.RetentionPolicy.Limits,
    storage: policies.StorageType.File,
    max_msgs_per_subject: 1,
    discard: policies.DiscardPolicy.New,
    discard_new_per_subject: true,
    max_msgs: -1,
    max_bytes: -1,
  });
  await manager.consumers.add(streamName(fingerprint), {
    durable_name: POINTS,
    filter_subject: subject(fingerprint, "point", "*"),
    ack_policy: policies.AckPolicy.Explicit,
    ack_wait: POINT_LEASE_MS * NS_PER_MS,
    max_ack_pending: -1,
  });
  for (const index of points) await publishOnce(client, subject(fingerprint, "point", index), String(index));
  // Workers begin when they see what the sweep is, so it comes last.
  await publishOnce(client, subject(fingerprint, "job"), JSON.stringify({ fingerprint, job }));
}

/** Publishes unless the subject has a message. */
async function publishOnce(client: JetStreamClient, to: string, text: string): Promise<void> {
  try {
    await client.publish(to, text);
  } catch (thrown) {
    if (!/maximum messages per subject/i.test(thrown instanceof Error ? thrown.message : "")) throw thrown;
  }
}

/** Rows of a sweep as they come, those of the past first; each point once. Ends when the signal is aborted. */
export async function collectRows(
  server: SweepServer,
  fingerprint: string,
  onRow: (row: PointRow) => void,
  signal: AbortSignal,
): Promise<void> {
  const { client } = server;
  const consumer = await client.consumers.get(streamName(fingerprint), { filter_subjects: [subject(fingerprint, "row", "*")] });
  const messages: ConsumerMessages = await consumer.consume();
  const stop = (): void => void messages.close();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  for await (const message of messages) {
    onRow(message.json<PointRow>());
    if (signal.aborted) break;
  }
}

/** A sweep that some coordinator laid into the queue. */
export interface OpenSweep {
  readonly fingerprint: string;
  readonly job: SweepJob;
}

/** Sweeps of a server that have points left. */
export async function openSweeps({ manager }: SweepServer): Promise<OpenSweep[]> {
  const found: OpenSweep[] = [];
  for await (const { config } of manager.streams.list()) {
    if (!config.name.startsWith(STREAM)) continue;
    const told = await manager.streams
      .getMessage(config.name, { last_by_subj: `${SUBJECT}.${config.name.slice(STREAM.length)}.job` })
      .catch(() => null);
    if (told === null) continue;
    const { num_pending, num_ack_pending } = await manager.consumers.info(config.name, POINTS);
    if (num_pending + num_ack_pending > 0) found.push(told.json<OpenSweep>());
  }
  return found;
}

/** The next point of a sweep, held for this worker; undefined when none came within the time or the sweep is over. */
export async function takePoint({ client }: SweepServer, fingerprint: string, waitMs: number): Promise<JsMsg | undefined> {
  try {
    const consumer = await client.consumers.get(streamName(fingerprint), POINTS);
    return (await consumer.next({ expires: waitMs })) ?? undefined;
  } catch (thrown) {
    // The coordinator takes the stream away with the last row.
    if (/not found|deleted/i.test(thrown instanceof Error ? thrown.message : "")) return undefined;
    throw thrown;
  }
}

/** Delivers the row of a point, once however often the point was run, and takes the point out of the queue. */
export async function deliverRow({ client }: SweepServer, fingerprint: string, message: JsMsg, row: PointRow): Promise<void> {
  await publishOnce(client, subject(fingerprint, "row", row.index), JSON.stringify(row));
  message.ack();
}

/** Takes a sweep out of the server. */
export async function removeSweep({ manager }: SweepServer, fingerprint: string): Promise<void> {
  await manager.streams.delete(streamName(fingerprint)).catch(() => false);
}
