import { type Command, InvalidArgumentError, Option } from "commander";

/** Options of every command that serves. */
export interface ServingOptions {
  readonly host: string;
  readonly port: number;
  readonly apiKeyFile?: string;
  readonly maxBodyBytes: number;
  readonly drainSeconds: number;
}

export interface LearnOptions {
  /** Whether what serving shows corrects later predictions. */
  readonly learn: boolean;
}

export interface LedgerOptions {
  /** A folder, or false for none. */
  readonly ledger?: string | false;
  readonly ledgerTokens?: boolean;
}

const DEFAULT_PORT = 8000;
const PORT_MAX = 65_535;
/** Bodies hold prompts, not files. Units: bytes. */
const DEFAULT_BODY_BYTES_MAX = 4_194_304;
const DEFAULT_DRAIN_SECONDS = 30;

export function addServingOptions(command: Command): Command {
  return command
    .option("--host <address>", "address to listen on; beyond loopback only with API keys", "127.0.0.1")
    .addOption(new Option("--port <port>", "port to listen on, 0 for a free one").default(DEFAULT_PORT).argParser(wholeNumber(0, PORT_MAX)))
    .option("--api-key-file <path>", "file of API keys, one a line; requests to /v1 then need one")
    .option("--max-body-bytes <bytes>", "largest request body", wholeNumber(1), DEFAULT_BODY_BYTES_MAX)
    .option("--drain-seconds <seconds>", "time requests in flight have to end after SIGTERM", wholeNumber(0), DEFAULT_DRAIN_SECONDS);
}

export function addLedgerOptions(command: Command): Command {
  return command
    .option("--ledger <folder>", "where the run's ledgers go (default: a new folder in the cache)")
    .option("--no-ledger", "write no ledgers")
    .option("--ledger-tokens", "keep token ids in the ledgers");
}

export function addLearnOption(command: Command): Command {
  return command.option("--no-learn", "do not keep what serving shows of step times for later predictions");
}

/** Reads a whole number of an option. */
export function wholeNumber(least: number, most: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? "" : ` to ${most}`}`);
  };
}

/** Reads a number of an option. */
export function numberFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a number from ${least} to ${most}`);
  };
}
