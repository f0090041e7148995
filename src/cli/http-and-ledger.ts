import { HeddleError } from "../base/heddle-error.ts";
import { newRunFolder } from "../execute/ledger-files/run-folder.ts";
import type { LedgerPlace } from "../execute/replica-host/host-protocol.ts";
import { type ApiKeys, readApiKeys } from "../serve/api-keys.ts";
import { checkBind, type HttpServerOptions } from "../serve/http-server.ts";
import type { LedgerOptions, ServingOptions } from "./serving-options.ts";

/** Errors: `file-unreadable` for the key file, `insecure-bind`. */
export function httpOptions(options: ServingOptions): HttpServerOptions {
  const { host, port, apiKeyFile, maxBodyBytes } = options;
  const keys: ApiKeys | undefined = apiKeyFile === undefined ? undefined : readApiKeys(apiKeyFile);
  const http = { host, port, keys, bodyBytesMax: maxBodyBytes };
  // Said before anything is fetched or measured.
  checkBind(http);
  return http;
}

/** Where ledgers go, if anywhere. Errors: `usage`. */
export function ledgerPlace({ ledger, ledgerTokens }: LedgerOptions): LedgerPlace | undefined {
  if (ledger === false) {
    if (ledgerTokens === true) throw new HeddleError("usage", { where: "--ledger-tokens", detail: "there is no ledger with --no-ledger" });
    return undefined;
  }
  return { folder: ledger ?? newRunFolder(), tokens: ledgerTokens === true ? "kept" : "dropped" };
}
