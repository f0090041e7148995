import { mkdirSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

/** Where commands with `--html` look for the code and the style of their pages. */
const OUTPUT = "dist/src/page";

/** Browsers of 2023 and later. */
const TARGET = ["es2022", "chrome111", "firefox113", "safari16.4"];

/** Bundles the code of each page with its chart library into one script, and the style sheet of both. */
const { outputFiles } = await build({
  entryPoints: { page: "src/page/main.ts", style: "src/page/style.css", report: "src/page/report/main.ts" },
  bundle: true,
  minify: true,
  format: "iife",
  target: TARGET,
  charset: "ascii",
  legalComments: "inline",
  define: { "process.env.NODE_ENV": '"production"' },
  outdir: OUTPUT,
  write: false,
});
mkdirSync(OUTPUT, { recursive: true });
for (const { path, contents } of outputFiles) {
  writeFileSync(path, contents);
  process.stdout.write(`${path.slice(process.cwd().length + 1)}: ${Math.round(contents.length / 1000)} kB\n`);
}
