/** Style of the page; it follows the reader's choice of light or dark. */
export const PAGE_STYLE = `
:root { --ground: #ffffff; --panel: #f4f6f8; --text: #10151c; --faint: #4a5561; --line: #d5dbe1; --near: #2166ac; --far: #b2182b; --pass: #1a7f37;
  --warn: #8a5a00; --fail: #b2182b; --skip: #57606a; color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12161c; --panel: #1b2129; --text: #e8edf2; --faint: #a9b4c0; --line: #38424d; --near: #6fb1e8; --far: #ff8a80; --pass: #57c97c;
    --warn: #e3b341; --fail: #ff8a80; --skip: #9aa5b1; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 20px 20px 64px; max-width: 1100px; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 32px 0 8px; }
p { margin: 4px 0; }
.faint { color: var(--faint); }
.banner { border-left: 4px solid var(--warn); background: var(--panel); padding: 8px 12px; margin: 12px 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(165px, 1fr)); gap: 10px; padding: 0; list-style: none; }
.cards li { background: var(--panel); border-top: 3px solid var(--line); padding: 8px 12px; }
.cards li.pass { border-color: var(--pass); } .cards li.warn { border-color: var(--warn); }
.cards li.fail { border-color: var(--fail); } .cards li.skip { border-color: var(--skip); }
.verdict { font-weight: 600; white-space: nowrap; }
.verdict.pass { color: var(--pass); } .verdict.warn { color: var(--warn); } .verdict.fail { color: var(--fail); } .verdict.skip { color: var(--skip); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
caption { text-align: left; color: var(--faint); padding-bottom: 4px; }
th, td { text-align: left; vertical-align: top; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th { color: var(--faint); font-weight: 600; white-space: nowrap; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th.number { text-align: right; }
details { margin: 8px 0; } summary { cursor: pointer; padding: 4px 0; }
.scroll svg { display: block; max-width: none; }
svg text { font: 12px system-ui, sans-serif; fill: var(--text); }
svg .tick { text-anchor: middle; fill: var(--faint); font-size: 11px; }
svg .name { text-anchor: end; }
svg .value { fill: var(--faint); font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .near rect { fill: var(--near); } svg .far rect { fill: var(--far); } svg .far .value { fill: var(--far); font-weight: 600; }
svg .limit { stroke: var(--text); stroke-width: 2; }
`;
