import { type MessagePort, parentPort } from "node:worker_threads";
import { must } from "../../base/assert.ts";
import { toHeddleError } from "../../base/heddle-error.ts";
import type { Hello } from "../seat-wire/handshake.ts";
import { dialPeer } from "./peer-link.ts";

/** Entry of the thread that holds the sockets of seats which are threads of the front end, so that their bytes do not go through the front end's. */
export interface BridgeOrder {
  readonly id: number;
  readonly address: string;
  readonly token: string;
  readonly hello: Extract<Hello, { role: "peer" }>;
}

export type BridgeReport =
  | { readonly id: number; readonly port: MessagePort }
  | { readonly id: number; readonly code: string; readonly where: string | undefined; readonly detail: string | undefined };

const front = must(parentPort, "a bridge has a parent");
front.on("message", ({ id, address, token, hello }: BridgeOrder) => {
  dialPeer(address, token, hello).then(
    (port) => front.postMessage({ id, port }, [port]),
    (thrown: unknown) => {
      const { code, where, detail } = toHeddleError(thrown);
      front.postMessage({ id, code, where, detail });
    },
  );
});
