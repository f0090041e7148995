import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { HeddleError } from "../../base/heddle-error.ts";
import { TRUSTED_LIMITS } from "./frame.ts";
import type { FramedSocket, WireMessage } from "./framed-socket.ts";

/** Grows with every change of frames or messages: both sides must have the same. */
export const PROTOCOL = 2;

/** What a caller wants of a host. */
export type Hello =
  /** A seat of this session. */
  | { readonly role: "control"; readonly session: string; readonly start: unknown; readonly silenceMs: number }
  /** A channel between two seats of a session: `to` is here. */
  | { readonly role: "peer"; readonly session: string; readonly from: string; readonly to: string; readonly silenceMs: number };

/** What a side waits for the other's next word. Units: ms. */
const PATIENCE_MS = 10_000;
const NONCE_BYTES = 32;

/**
 * Caller's side. Each proves that it knows the token over a number the other drew; the token itself does not travel.
 *
 * Errors: `worker-refused` with the reason; `host-lost`.
 */
export async function greet(socket: FramedSocket, token: string, hello: Hello): Promise<void> {
  const challenge = await next(socket);
  if (challenge["protocol"] !== PROTOCOL) {
    throw refused(`it speaks version ${String(challenge["protocol"])} of the protocol, this heddle ${PROTOCOL}`);
  }
  const theirs = String(challenge["nonce"]);
  const own = randomBytes(NONCE_BYTES).toString("hex");
  const answered = next(socket);
  socket.send({ protocol: PROTOCOL, nonce: own, proof: proofOf(token, "caller", theirs + own), hello });
  const answer = await answered;
  if (answer["refused"] !== undefined) throw refused(String(answer["refused"]));
  if (!matches(answer["proof"], proofOf(token, "host", own + theirs))) throw refused("it does not know the token");
  socket.trust(TRUSTED_LIMITS);
}

/** Host's side: what the caller wants; then `accept` or `refuse` it. Errors: `worker-refused`, already told to the caller; `host-lost`. */
export async function receiveHello(socket: FramedSocket, token: string): Promise<{ readonly hello: Hello; accept(): void }> {
  const own = randomBytes(NONCE_BYTES).toString("hex");
  const answered = next(socket);
  socket.send({ protocol: PROTOCOL, nonce: own });
  const answer = await answered;
  const theirs = String(answer["nonce"]);
  if (answer["protocol"] !== PROTOCOL) throw refuse(socket, `this worker speaks version ${PROTOCOL} of the protocol`);
  if (!matches(answer["proof"], proofOf(token, "caller", own + theirs))) throw refuse(socket, "the token is missing or wrong");
  const hello = answer["hello"] as Hello;
  return {
    hello,
    accept: () => {
      socket.trust(TRUSTED_LIMITS);
      socket.send({ proof: proofOf(token, "host", theirs + own) });
    },
  };
}

export function refuse(socket: FramedSocket, reason: string): HeddleError {
  socket.send({ refused: reason });
  socket.finish();
  return refused(reason);
}

function refused(detail: string): HeddleError {
  return new HeddleError("worker-refused", { detail });
}

function next(socket: FramedSocket): Promise<WireMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new HeddleError("host-lost", { detail: `no answer for ${PATIENCE_MS} ms` }));
      socket.destroy("no answer");
    }, PATIENCE_MS);
    socket.onMessage((message) => {
      clearTimeout(timer);
      socket.onMessage(() => socket.destroy("it spoke out of turn"));
      resolve(message);
    });
    socket.onEnd((reason) => {
      clearTimeout(timer);
      reject(new HeddleError("host-lost", { detail: reason }));
    });
  });
}

function proofOf(token: string, side: "caller" | "host", nonces: string): string {
  return createHmac("sha256", token).update(`heddle-seat-${PROTOCOL}\n${side}\n${nonces}`).digest("hex");
}

function matches(given: unknown, wanted: string): boolean {
  return typeof given === "string" && given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));
}
