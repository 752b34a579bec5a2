"""The styles of a replay's page: light, dark and printed; colour never tells anything alone."""

STYLE = """
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #10151c; --soft: #566070;
  --line: #d3d9e0; --ok: #18794e; --bad: #c0212d; --bad-bg: #fdeced; --warn: #8a5600;
  --warn-bg: #fdf3e0; --accent: #2453d6; --open: #dff3e8; --shut: #eceff4; }
@media (prefers-color-scheme: dark) { :root { --bg: #0c1016; --card: #141a22; --ink: #e9edf2;
  --soft: #93a0b2; --line: #38434f; --ok: #3ecf8e; --bad: #ff6b74; --bad-bg: #2b1419;
  --warn: #f0b04f; --warn-bg: #2c220f; --accent: #8db0ff; --open: #12301f; --shut: #1b2430; } }
@media print { :root { color-scheme: light; --bg: #fff; --card: #fff; --ink: #000; --soft: #333;
  --line: #999; --ok: #000; --bad: #000; --bad-bg: #fff; --warn: #000; --warn-bg: #fff;
  --accent: #000; --open: #eee; --shut: #fff; } }
* { box-sizing: border-box; }
html { font: 14px/1.45 Inter, "Segoe UI", system-ui, "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; background: var(--bg); color: var(--ink); }
body { margin: 0; }
main { max-width: 100rem; margin: 0 auto; padding: 1.2rem 1.6rem 3rem; display: grid; gap: 1.2rem;
  grid-template-columns: minmax(0, 1fr); }
h1, h2, h3, p, ul, ol { margin: 0; }
h1 { font-size: clamp(1.7rem, 4vw, 2.8rem); line-height: 1.1; }
h2 { font-size: 1.15rem; margin-bottom: .6rem; }
h3 { font-size: 1rem; margin-top: 1.4rem; overflow-wrap: anywhere; }
section, .answer { background: var(--card); border: 1px solid var(--line); border-radius: .8rem;
  padding: 1.1rem 1.3rem; }
.answer { border-left: .8rem solid var(--ok); display: grid; gap: .5rem; }
.answer-found { border: 3px solid var(--bad); border-left-width: .8rem; background: var(--bad-bg); }
.answer-found h1 { color: var(--bad); }
.answer-doubt { border: 3px dashed var(--warn); border-left: .8rem double var(--warn);
  background: var(--warn-bg); }
.headline { font-size: 1.15rem; overflow-wrap: anywhere; }
.label { width: fit-content; border: 2px solid; padding: 0 .6em; font-weight: 700;
  letter-spacing: .15em; color: var(--warn); }
.evidence li { padding: .3rem .6rem; margin-bottom: .3rem; background: var(--bad-bg);
  border-left: .3rem solid var(--bad); overflow-wrap: anywhere; }
.evidence strong { text-transform: uppercase; color: var(--bad); }
.more { font-weight: 650; margin-top: .5rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible, summary:focus-visible { outline: 3px solid var(--accent);
  outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; min-width: 4rem; }
thead th { border: 0; color: var(--soft); font-weight: 500; white-space: nowrap; }
table { min-width: 58rem; }
.counts table { min-width: 0; max-width: 46rem; }
tbody th { font-weight: 600; }
.number { text-align: right; white-space: nowrap; }
.time { white-space: nowrap; }
.broken, .row-evidence { background: var(--bad-bg); font-weight: 650; }
.row-evidence > :first-child { box-shadow: inset .3rem 0 0 var(--bad); padding-left: .6rem; }
.row-refused { background: var(--warn-bg); }
details { font-weight: 400; }
summary { cursor: pointer; color: var(--soft); width: fit-content; }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; color: var(--soft);
  margin-top: .5rem; }
.legend svg { width: 1.3em; height: 1.3em; vertical-align: -.3em; }
.timeline { width: 100%; min-width: 50rem; height: auto; display: block; }
.timeline text { font: 12px Inter, system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
.timeline .soft, .timeline .tick { fill: var(--soft); }
.timeline .name { font-weight: 600; }
.timeline .band { font-size: 11px; paint-order: stroke; stroke: var(--card); stroke-width: 3;
  stroke-linejoin: round; }
.grid { stroke: var(--line); stroke-dasharray: 2 4; }
.lane { stroke: var(--line); }
.hatch { stroke: var(--soft); stroke-width: 1.5; }
.gap { fill: url(#hatch); }
.phase-open { fill: var(--open); stroke: var(--ok); }
.phase-pre-market, .phase-post-market, .phase-closed-weekend, .phase-closed-holiday {
  fill: var(--shut); stroke: var(--line); }
.phase-unknown { fill: url(#hatch); }
.posture-ok { fill: var(--open); stroke: var(--ok); }
.posture-market-closed { fill: var(--shut); stroke: var(--line); }
.posture-halted { fill: var(--bad-bg); stroke: var(--bad); stroke-width: 2; }
.mark-event path { stroke: var(--soft); stroke-width: 2; fill: none; }
.mark-intent path { fill: var(--accent); }
.mark-allowed circle { fill: var(--card); stroke: var(--ok); stroke-width: 2; }
.mark-refused rect { fill: var(--card); stroke: var(--warn); stroke-width: 2; }
.mark-evidence path { fill: var(--bad); stroke: var(--bad); stroke-width: 2; }
[class^="mark-"] .cut { fill: none; stroke: currentcolor; stroke-width: 2; }
.mark-evidence .cut { stroke: var(--card); stroke-width: 3; }
@media print { section, .answer, tr { break-inside: avoid; } .scroll { overflow: visible; }
  .timeline, table { min-width: 0; } main { padding: 0; } }
"""
