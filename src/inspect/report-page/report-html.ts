import { type PageAsset, scriptedPage } from "../page/html-document.ts";
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

/** A report as one file with everything in it. */
export function reportHtml(data: ReportData, asset: PageAsset): string {
  return scriptedPage({ title: `${data.title} - heddle`, markup: MARKUP, data }, asset);
}
