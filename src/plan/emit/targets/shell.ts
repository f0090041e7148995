/** A command for a POSIX shell, a line an option; `$(NAME)` becomes a variable that must be set. */
export function shellCommand(words: readonly string[]): string {
  return words.map((word, at) => (at === 0 ? "" : word.startsWith("-") ? " \\\n  " : " ") + shellWord(word)).join("");
}

function shellWord(word: string): string {
  const parts = word.split(/(\$\([A-Z][A-Z0-9_]*\))/).filter((part) => part !== "");
  return parts.map((part) => (/^\$\(/.test(part) ? `"\${${part.slice(2, -1)}:?}"` : quoted(part))).join("");
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
