import { assert } from "../../base/assert.ts";
import { DATA_ID } from "./data-id.ts";

/** What a file of HTML differs in. */
export interface HtmlDocument {
  readonly title: string;
  /** What a browser may load and run. */
  readonly policy: string;
  readonly style: string;
  /** Markup: what comes from outside is escaped in it already. */
  readonly body: string;
}

/** A whole file of HTML that needs nothing beside it. */
export function htmlDocument({ title, policy, style, body }: HtmlDocument): string {
  assert(!/<\/style/i.test(style), "the style does not end its own element");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escaped(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** Nothing is fetched, and no form or frame can be: what a page shows of a model stays in it. */
const SCRIPT_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** Code and style of a page, as the build bundles them. */
export interface PageAsset {
  readonly script: string;
  readonly style: string;
}

/** A page whose script draws its data. Names in the data are data: no text of theirs is read as markup or code. */
export function scriptedPage(page: { readonly title: string; readonly markup: string; readonly data: unknown }, asset: PageAsset): string {
  const { script, style } = asset;
  assert(!/<\/script/i.test(script), "the bundled script does not end its own element");
  const body = `${page.markup}
<script type="application/json" id="${DATA_ID}">${jsonInScript(page.data)}</script>
<script>${script}</script>`;
  return htmlDocument({ title: page.title, policy: SCRIPT_POLICY, style, body });
}

/** JSON that ends no script element, whatever its strings hold. */
export function jsonInScript(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text of an element or an attribute that no browser reads as markup. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
