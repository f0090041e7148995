import { connect, type NetConnectOpts, type Socket } from "node:net";
import { HeddleError } from "../../base/heddle-error.ts";

/** Where a worker listens. */
export type Address =
  | { readonly type: "tcp"; readonly host: string; readonly port: number }
  | { readonly type: "unix"; readonly path: string };

const PORT_MAX = 65_535;

/** `tcp://host:port` or `unix:/path`. Errors: `usage`. */
export function parseAddress(text: string): Address {
  const unix = /^unix:(\/.+)$/.exec(text);
  if (unix !== null) return { type: "unix", path: unix[1]! };
  const tcp = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[^\s:/[\]]+):(\d{1,5})$/.exec(text);
  const port = Number(tcp?.[2]);
  if (tcp === null || port > PORT_MAX) {
    throw new HeddleError("usage", { where: text.slice(0, 120), detail: "an address is tcp://host:port or unix:/path" });
  }
  return { type: "tcp", host: tcp[1]!.replace(/^\[|\]$/g, ""), port };
}

export function isLoopback(address: Address): boolean {
  return address.type === "unix" || address.host === "localhost" || address.host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address.host);
}

/** Errors: `host-lost` where nobody listens. */
export async function call(text: string): Promise<Socket> {
  const address = parseAddress(text);
  const options: NetConnectOpts = address.type === "unix" ? { path: address.path } : { host: address.host, port: address.port };
  const socket = connect(options);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (error) => reject(new HeddleError("host-lost", { where: text, detail: error.message })));
  });
  return socket;
}
