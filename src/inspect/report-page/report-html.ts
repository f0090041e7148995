import { assert } from "../../base/assert.ts";
import { DATA_ID } from "../page/data-id.ts";
import { jsonInScript, PAGE_POLICY, type PageAsset, textOnly } from "../page/page-html.ts";
import type { ReportData } from "./report-data.ts";

const MARKUP = `<header>
<h1 id="title"></h1>
<dl id="facts"></dl>
<ul id="warnings" class="warnings"></ul>
<div class="controls"><button type="button" id="theme" aria-pressed="false">Dark</button></div>
</header>
<noscript>This page draws with a script that stands in it; nothing is fetched.</noscript>
<main id="sections"></main>
<ul id="notes" class="note"></ul>`;

/** One file with everything in it. Names in the data are data: no text of theirs is read as markup or code. */
export function reportHtml(data: ReportData, { script, style }: PageAsset): string {
  assert(!/<\/script/i.test(script), "the bundled script does not end its own element");
  assert(!/<\/style/i.test(style), "the bundled style does not end its own element");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${PAGE_POLICY}">
<title>${textOnly(data.title)} - heddle</title>
<style>${style}</style>
</head>
<body>
${MARKUP}
<script type="application/json" id="${DATA_ID}">${jsonInScript(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}
