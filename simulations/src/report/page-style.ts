import { themeVariables } from './look.js'

/** Tables with rules as in print, digits of equal width, one measure for text; nothing depends on colour alone. */
export const PAGE_STYLE = `
:root{color-scheme:light dark;${themeVariables('light')};--shade:#f6f7f9;--warning:#8a4b00}
@media (prefers-color-scheme:dark){:root{${themeVariables('dark')};--shade:#1c2027;--warning:#ffb45c}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main,header,footer{max-width:1128px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 .4em;letter-spacing:-.01em}
h2{font-size:1.25rem;margin:0 0 .35em;letter-spacing:-.005em}
section{margin:2.6rem 0;padding-top:1.1rem;border-top:1px solid var(--rule)}
p,ul{margin:.4em 0}
.lead{max-width:46rem;font-size:1.05rem}
.note{max-width:46rem;color:var(--muted)}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;padding:0;margin:1rem 0 0;list-style:none;font-size:.9rem}
a{color:var(--series-0)}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--series-0);outline-offset:2px;border-radius:2px}
.key{display:flex;flex-wrap:wrap;gap:.15rem 1.4rem;padding:0;margin:.6rem 0 1rem;list-style:none;font-size:.875rem}
.name{overflow-wrap:break-word}
th .name{display:inline-block;min-width:12rem;max-width:26rem}
th code{white-space:nowrap}
.swatch{width:32px;height:12px;vertical-align:-1px}
.figures{display:grid;grid-template-columns:1fr 1fr;gap:1.6rem 2rem;margin:1rem 0}
figure{margin:0;min-width:0}
figure.full{grid-column:1/-1}
figcaption{font-weight:600;font-size:.95rem;margin-bottom:.3rem}
figcaption small{display:block;font-weight:400;font-size:.8125rem;color:var(--muted)}
.scroll{overflow-x:auto}
.chart svg{display:block;width:100%;height:auto}
.chart>.live{display:none}
.full .chart:not(.is-live) svg{min-width:44rem}
details{margin:.5rem 0;font-size:.875rem}
summary{cursor:pointer;color:var(--muted);width:max-content;max-width:100%}
table{border-collapse:collapse;font-size:.8125rem;line-height:1.35;border-block:2px solid var(--ink);margin:.7rem 0;min-width:min(100%,24rem)}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{padding:.36rem .5rem;text-align:left;vertical-align:baseline;font-weight:400;unicode-bidi:isolate}
th:first-child,td:first-child{padding-left:.15rem}
th:last-child,td:last-child{padding-right:.15rem}
thead th{font-weight:600;border-bottom:1px solid var(--ink);vertical-align:bottom}
tbody>tr>*{vertical-align:top}
tbody tr+tr>*{border-top:1px solid var(--rule)}
tbody tr:hover>*{background:var(--shade)}
.number{text-align:right;font-variant-numeric:tabular-nums lining-nums;white-space:nowrap}
thead .number{white-space:normal}
td time{white-space:nowrap;font-variant-numeric:tabular-nums}
code{font:.75rem/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere;unicode-bidi:isolate}
.hash{display:inline-block;width:32ch}
abbr{text-decoration:none;cursor:help}
.warning{border-left:3px solid var(--warning);padding:.1rem 0 .1rem .9rem;margin:1rem 0;color:var(--warning)}
.tip{font-variant-numeric:tabular-nums}
footer{color:var(--muted);font-size:.8125rem;padding-top:1rem;padding-bottom:3rem}
@media screen{.is-live>svg{display:none}.chart.is-live>.live{display:block}}
@media screen and (max-width:760px){
main,header,footer{padding-left:16px;padding-right:16px}
header{padding-top:24px}
.figures{grid-template-columns:minmax(0,1fr)}
h1{font-size:1.5rem}
th .name{min-width:9rem}
}
@media print{
:root{${themeVariables('light')};--shade:#fff;color-scheme:light}
@page{size:A4;margin:16mm 14mm}
body{font-size:9.5pt}
main,header,footer{max-width:none;padding-left:0;padding-right:0}
header{padding-top:0}
nav,details:not([open]){display:none}
section{margin:1.4rem 0;padding-top:.8rem}
h2,.note,.key{break-after:avoid}
figure,tr,.warning,.note,.key{break-inside:avoid}
.figures{gap:1rem 1.4rem}
table{font-size:7.5pt}
th,td{padding:.2rem .4rem}
code{font-size:6.5pt}
.scroll{overflow:visible}
.chart,.chart svg{min-width:0!important}
a{color:inherit;text-decoration:none}
}
`
