import { ERROR_CODES } from "../src/base/error-codes.ts";

/** The page `docs/errors.md`, made from the error table. */
export function errorsPage(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, row]) => `| \`${code}\` | ${row.message} | ${row.exit} | ${row.http} | ${row.todo} |`,
  );
  return [
    "# Errors",
    "",
    "Every error names a code, what happened, where, and what to do. The CLI prints `heddle: <message> [<code>]` and ends with the exit",
    'status; the HTTP edge answers `{"error": {"message", "type", "param", "code"}}` with the status. Made from `src/base/error-codes.ts` by',
    "`node dist/scripts/write-docs.js`; a test holds the two equal.",
    "",
    "| code | what happened | exit | HTTP | what to do |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
