#!/usr/bin/env node
import { runCommandLine } from "./command-line.ts";

// Whoever reads a pipe may stop when it has seen enough, such as `head`: that is no error, and nothing more is wanted.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit();
  throw error;
});
process.exitCode = await runCommandLine(process.argv);
