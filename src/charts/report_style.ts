/** How the page of an evaluation looks, in light and in dark. */

export const REPORT_STYLE = `
:root { --ground: #f6f7f9; --sheet: #ffffff; --text: #1f2430; --soft: #5d6675; --line: #dfe3ea; --mark: #1f6fb4; --note: #fff6dc; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12151a; --sheet: #1a1e25; --text: #e6e9ef; --soft: #9aa4b4; --line: #2c323d; --mark: #6db3f2; --note: #3a3215; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
header, main { max-width: 1240px; margin: 0 auto; padding: 0 28px; }
header { padding-top: 34px; }
h1 { font-size: 25px; line-height: 1.25; margin: 0 0 10px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 0 0 14px; }
h2 i, td i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 8px; }
dl { display: flex; flex-wrap: wrap; gap: 4px 26px; margin: 0 0 22px; color: var(--soft); font-size: 13.5px; }
dl div { display: flex; gap: 7px; } dt::after { content: ":"; } dd { margin: 0; color: var(--text); overflow-wrap: anywhere; }
section, footer { background: var(--sheet); border: 1px solid var(--line); border-radius: 10px; padding: 20px 24px; margin: 0 0 20px; }
.note { background: var(--note); border-radius: 8px; padding: 9px 14px; margin: 0 0 12px; font-size: 14px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(172px, 1fr)); gap: 12px; }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.card b { display: block; font-size: 24px; line-height: 1.2; font-weight: 650; color: var(--mark); }
.card span { display: block; font-size: 13.5px; } small, .card small { color: var(--soft); font-size: 12px; }
.figures { margin-top: 20px; overflow-x: auto; } .numbers { width: 100%; }
.plots { display: flex; flex-wrap: wrap; gap: 14px 26px; margin-top: 22px; }
.plots figure { margin: 0; flex: 1 1 420px; max-width: 620px; } .plots svg { width: 100%; height: auto; }
table { border-collapse: collapse; font-size: 13.5px; }
th { font-weight: 600; text-align: left; } thead th { color: var(--soft); font-weight: 500; font-size: 12.5px; vertical-align: bottom; }
.numbers td, .numbers thead th { text-align: right; padding: 4px 9px; } .numbers th { padding: 4px 10px 4px 0; font-weight: 400; }
.numbers tbody tr { border-top: 1px solid var(--line); }
.wide { overflow-x: auto; } .patients { width: 100%; }
.patients > thead th { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--line); }
.patients tbody { border-bottom: 1px solid var(--line); }
.patients tbody > tr > * { padding: 10px 14px 8px 0; vertical-align: top; }
.patients th[scope] { white-space: nowrap; } .patients th small { display: block; font-weight: 400; } .patients .main { font-size: 17px; font-weight: 650; color: var(--mark); }
.volumes span { display: block; white-space: nowrap; }
.strip { display: block; margin-top: 4px; } .strip path { stroke: var(--line); stroke-width: 2; } .strip line { stroke: var(--mark); stroke-opacity: 0.65; stroke-width: 2; }
.pictures { white-space: nowrap; } .slice { display: inline-block; margin: 0 8px 0 0; white-space: normal; }
.slice svg { display: block; border-radius: 6px; background: #000; } .slice figcaption { font-size: 12px; color: var(--soft); margin-top: 3px; overflow-wrap: anywhere; } .slice b { color: var(--text); font-weight: 600; float: right; margin-left: 8px; }
.patients .more td { padding-top: 0; } summary { cursor: pointer; color: var(--mark); font-size: 13px; }
.slices { display: flex; flex-wrap: wrap; gap: 10px 4px; padding: 10px 0 6px; }
.legend { margin: -8px 0 10px; font-size: 13.5px; color: var(--soft); } .legend span { font-weight: 700; margin-left: 12px; } .legend span:first-child { margin-left: 0; }
.small, footer { font-size: 13px; color: var(--soft); } .small { margin: 14px 0 0; } footer ul { margin: 0; padding-left: 18px; } footer li { margin: 4px 0; } footer h2 { font-size: 15px; }
@media print { body { background: #fff; } section { break-inside: avoid; } }
`;
