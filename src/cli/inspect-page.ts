import { readFileSync } from "node:fs";
import { HeddleError } from "../base/heddle-error.ts";
import { writeWhole } from "../execute/discover/rack-cache.ts";
import type { PageAsset } from "../inspect/page/html-document.ts";
import type { PageData } from "../inspect/page/page-data.ts";
import { pageHtml } from "../inspect/page/page-html.ts";

/** Writes the page of an inspection: one file, nothing beside it. Errors: `file-unwritable`; `internal` when the build is missing. */
export function writePage(path: string, data: PageData): void {
  writeWhole(path, pageHtml(data, pageAsset()));
}

/** What `scripts/build-page.ts` bundled: beside the compiled code, or below `dist/` for tests that run from source. */
export function pageAsset(name: "page" | "report" = "page"): PageAsset {
  const here = import.meta.url;
  const folder = new URL(here.endsWith(".js") ? "../page/" : "../../dist/src/page/", here);
  return { script: part(new URL(`${name}.js`, folder)), style: part(new URL("style.css", folder)) };
}

function part(url: URL): string {
  try {
    return readFileSync(url, "utf8").trim();
  } catch (cause) {
    throw new HeddleError("internal", {
      where: url.pathname,
      detail: "run `npm run build` first: the page's code is bundled there",
      cause,
    });
  }
}
