import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceFile } from "./tidy.ts";

const FOLDERS = ["src", "test", "bench", "scripts", "examples", "console"];

/** Every TypeScript file of the project, in path order. */
export function sourceFiles(root: string): SourceFile[] {
  const found: SourceFile[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) walk(path);
      else if (entry.name.endsWith(".ts")) found.push({ path, text: readFileSync(join(root, path), "utf8") });
    }
  };
  const present = new Set(readdirSync(root));
  for (const folder of FOLDERS) if (present.has(folder)) walk(folder);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
