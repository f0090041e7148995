import { assert } from "../../base/assert.ts";
import { DATA_ID } from "./data-id.ts";
import type { PageData } from "./page-data.ts";
import { PAGE_MARKUP } from "./page-markup.ts";

/** Nothing is fetched, and no form or frame can be: what a page shows of a model stays in it. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** Code and style of the page, as the build bundles them. */
export interface PageAsset {
  readonly script: string;
  readonly style: string;
}

/** One file with everything in it. Names of a model are data: no text of theirs is read as markup or code. */
export function pageHtml(data: PageData, { script, style }: PageAsset): string {
  assert(!/<\/script/i.test(script), "the bundled script does not end its own element");
  assert(!/<\/style/i.test(style), "the bundled style does not end its own element");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<title>${textOnly(data.name)} - heddle inspect</title>
<style>${style}</style>
</head>
<body>
${PAGE_MARKUP}
<script type="application/json" id="${DATA_ID}">${jsonInScript(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** JSON that ends no script element, whatever its strings hold. */
export function jsonInScript(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text of a title or an attribute. */
export function textOnly(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
