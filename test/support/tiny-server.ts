/** The tiny model behind the HTTP edge, in this process with real replica hosts. */
import { type LiveFleet, startLiveFleet } from "../../src/execute/fleet-host/live-fleet.ts";
import { createTextFront, type TextFront } from "../../src/execute/front-end/text-front.ts";
import { openDecoderModel } from "../../src/execute/model-store/open-model.ts";
import { loadTokenizer } from "../../src/graph/tokenizer/tokenizer.ts";
import type { ApiKeys } from "../../src/serve/api-keys.ts";
import { type HttpServer, startHttpServer } from "../../src/serve/http-server.ts";
import { type TinyLive, type TinyLiveOptions, tinyLive } from "./tiny-live.ts";

export interface TinyServer {
  readonly live: TinyLive;
  readonly fleet: LiveFleet;
  readonly front: TextFront;
  readonly http: HttpServer;
  readonly url: string;
  close(): Promise<void>;
}

export interface TinyServerOptions extends TinyLiveOptions {
  readonly keys?: ApiKeys;
  readonly bodyBytesMax?: number;
  /** Default true. */
  readonly waitUntilUp?: boolean;
  /** Folder for ledgers. */
  readonly ledger?: string;
}

export async function tinyServer(options: TinyServerOptions = {}): Promise<TinyServer> {
  const live = tinyLive(options);
  const { plan, costs } = live;
  const place = options.ledger === undefined ? {} : { ledger: { folder: options.ledger, tokens: "dropped" as const } };
  const fleet = startLiveFleet({ plan, costs, ...place });
  const front = createTextFront(plan, fleet, loadTokenizer(openDecoderModel(plan.model.path).tokenizer));
  if (options.waitUntilUp !== false) await fleet.up();
  const http = await startHttpServer(front, {
    host: "127.0.0.1",
    port: 0,
    keys: options.keys,
    bodyBytesMax: options.bodyBytesMax ?? 1_000_000,
  });
  const close = async (): Promise<void> => {
    await http.drain(2_000);
    await fleet.close();
  };
  return { live, fleet, front, http, url: http.url, close };
}
