/** The page before its script fills it. Every element the script looks for has an id. */
export const PAGE_MARKUP = `<header>
<h1 id="title"></h1>
<dl id="facts"></dl>
<div class="controls" id="controls">
<label>Device <select id="device"></select></label>
<label>Phase <select id="phase"></select></label>
<label>Colour by <select id="colour"><option value="bound">what bounds it</option><option value="cut">what a cut costs</option><option value="device" id="by-device">where it is placed</option></select></label>
<button type="button" id="theme" aria-pressed="false">Dark</button>
</div>
<p id="device-line"></p>
</header>
<noscript>This page draws with a script that stands in it; nothing is fetched.</noscript>
<main>
<section aria-labelledby="graph-title">
<h2 id="graph-title">Graph</h2>
<div class="controls">
<label>Show <select id="view"><option value="stages">stages, equal ones once</option><option value="model">the whole model</option></select></label>
<label>Search <input id="search" type="search" autocomplete="off" placeholder="operator or stage" aria-controls="found"></label>
<span class="buttons"><button type="button" id="closer" aria-label="Zoom in">+</button><button type="button" id="farther" aria-label="Zoom out">−</button><button type="button" id="whole">Fit</button></span>
</div>
<ul id="found" aria-live="polite"></ul>
<ul id="legend" class="legend" aria-label="Legend"></ul>
<div class="graph">
<canvas id="graph" tabindex="0" role="application" aria-label="Graph of the model. Arrow keys move, plus and minus zoom, 0 shows all, N and P go to the next and the previous stage or operator, Enter zooms to it." aria-describedby="details"></canvas>
<div id="tip" role="presentation" hidden></div>
<aside id="details" aria-live="polite"></aside>
</div>
</section>
<section aria-labelledby="roofline-title" id="roofline-section">
<h2 id="roofline-title">Roofline</h2>
<div id="roofline" role="img" aria-labelledby="roofline-title" aria-describedby="roofline-note"></div>
<p id="roofline-note" class="note"></p>
</section>
<section aria-labelledby="table-title">
<h2 id="table-title">Stages</h2>
<div class="scroll"><table id="stages"></table></div>
<ul id="thresholds" class="note"></ul>
</section>
<section aria-labelledby="budget-title" id="budget-section">
<h2 id="budget-title">State budget</h2>
<div class="scroll"><table id="budget"></table></div>
<ul id="budget-notes" class="note"></ul>
</section>
<section aria-labelledby="sources-title" id="sources-section">
<h2 id="sources-title">Figures of the devices</h2>
<div class="scroll"><table id="sources"></table></div>
</section>
<ul id="notes" class="note"></ul>
</main>`;
