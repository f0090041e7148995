/** Goal: both sides prove the token before anything else is read, and unequal versions are told. Method: real sockets, one side by hand. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type FramedSocket, frameSocket, type WireMessage } from "./framed-socket.ts";
import { greet, type Hello, PROTOCOL, receiveHello } from "./handshake.ts";

const folder = mkdtempSync(join(tmpdir(), "heddle-handshake-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let sockets = 0;
const HELLO: Hello = { role: "control", session: "s", start: { seat: "a" }, silenceMs: 1_000 };

async function pair(): Promise<{ readonly caller: FramedSocket; readonly host: FramedSocket }> {
  const path = join(folder, `s${sockets++}`);
  const accepted = new Promise<Socket>((resolve) => {
    const server = createServer((socket) => {
      server.close();
      resolve(socket);
    }).listen(path);
  });
  await new Promise((resolve) => setImmediate(resolve));
  const socket = connect(path);
  return { caller: frameSocket(socket), host: frameSocket(await accepted) };
}

const outcome = (action: Promise<unknown>): Promise<string> =>
  action.then(
    () => "passed",
    (error: Error) => error.message,
  );
const nextOf = (socket: FramedSocket): Promise<WireMessage> => new Promise((resolve) => socket.onMessage(resolve));

describe("handshake", () => {
  test("equal tokens pass, and the hello arrives; large messages only then", async () => {
    const { caller, host } = await pair();
    const received = receiveHello(host, "sesame");
    const greeted = greet(caller, "sesame", HELLO);
    const { hello, accept } = await received;
    expect(hello).toEqual(HELLO);
    accept();
    await greeted;
    const arrived = nextOf(host);
    caller.send({ t: "x", payload: new Uint8Array(100_000).fill(7) });
    expect((await arrived).payload?.length).toBe(100_000);
    caller.destroy("done");
  });

  test("a wrong token is refused by the host, and the caller is told", async () => {
    const { caller, host } = await pair();
    const both = [outcome(receiveHello(host, "sesame")), outcome(greet(caller, "open", HELLO))];
    for (const text of await Promise.all(both)) expect(text).toContain("token is missing or wrong");
  });

  test("a host that does not know the token is refused by the caller", async () => {
    const { caller, host } = await pair();
    const greeted = outcome(greet(caller, "sesame", HELLO));
    host.send({ protocol: PROTOCOL, nonce: "00" });
    const answer = await nextOf(host);
    expect(JSON.stringify(answer)).not.toContain("sesame");
    host.send({ proof: answer["proof"] });
    expect(await greeted).toContain("does not know the token");
  });

  test("another version is told on both sides", async () => {
    const first = await pair();
    const greeted = outcome(greet(first.caller, "", HELLO));
    first.host.send({ protocol: PROTOCOL + 1, nonce: "00" });
    expect(await greeted).toContain(`version ${PROTOCOL + 1}`);
    const second = await pair();
    const received = outcome(receiveHello(second.host, ""));
    await nextOf(second.caller);
    second.caller.send({ protocol: PROTOCOL + 1, nonce: "00", proof: "", hello: HELLO });
    expect(await received).toContain(`version ${PROTOCOL}`);
  });

  test("a stranger cannot make the host take memory", async () => {
    const { caller, host } = await pair();
    const received = outcome(receiveHello(host, "sesame"));
    await nextOf(caller);
    caller.send({ protocol: PROTOCOL, payload: new Uint8Array(1) });
    expect(await received).toContain("at most 0");
  });
});
