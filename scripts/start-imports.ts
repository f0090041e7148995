import { build, type Metafile } from "esbuild";

/** What is loaded before anything of a module runs: its own imports and theirs, types and `import()` left out. */
export interface StartImports {
  /** Of the project, with the module itself. */
  readonly files: readonly string[];
  /** Names as they are imported, `node:` left out. */
  readonly packages: readonly string[];
}

/**
 * Imports that each of some modules below `root` needs to start.
 *
 * Errors: those of esbuild where a module is not there.
 */
export async function startImports(root: string, entries: readonly string[]): Promise<ReadonlyMap<string, StartImports>> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...entries],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    packages: "external",
    outdir: "start",
    write: false,
    metafile: true,
    logLevel: "silent",
    // As it is compiled: an import without types is kept, also where nothing of it is used.
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  return new Map(entries.map((entry) => [entry, closureOf(metafile, entry)]));
}

function closureOf({ inputs }: Metafile, entry: string): StartImports {
  const files = new Set([entry]);
  const packages = new Set<string>();
  for (const file of files) {
    for (const { path, kind, external } of inputs[file]?.imports ?? []) {
      if (kind !== "import-statement") continue;
      if (external !== true) files.add(path);
      else if (!path.startsWith("node:")) packages.add(path);
    }
  }
  return { files: [...files], packages: [...packages] };
}
