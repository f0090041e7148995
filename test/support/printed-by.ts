import { Command } from "commander";
import { vi } from "vitest";

/** What commands print on stdout, run in this process; call `vi.restoreAllMocks` after each test. */
export function printedBy(...adds: readonly ((program: Command) => void)[]): (...words: string[]) => Promise<string> {
  return async (...words) => {
    let text = "";
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    vi.spyOn(process.stderr, "write").mockImplementation(() => true);
    const program = new Command("heddle").exitOverride();
    for (const add of adds) add(program);
    await program.parseAsync(["node", "heddle", ...words]);
    return text;
  };
}
