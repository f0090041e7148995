#!/usr/bin/env node
import { ERROR_CODES } from "../base/error-codes.ts";
import { runCommandLine } from "./command-line.ts";

// Whoever reads a pipe may stop when it has seen enough, such as `head`: that is no error, and nothing more is wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  process.stderr.write(`heddle: standard output cannot be written: ${error.message}\n`);
  process.exit(ERROR_CODES["file-unwritable"].exit);
});
process.exitCode = await runCommandLine(process.argv);
