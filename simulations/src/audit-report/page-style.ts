import { PAGE_STYLE } from '../report/page-style.js'

const LIGHT = '--level-0:#45505e;--level-1:#7a5200;--level-2:#a83a00;--level-3:#9b1030'
const DARK = '--level-0:#b4bec9;--level-1:#f0c05a;--level-2:#ff9a5c;--level-3:#ff8095'

/** Verdicts differ by word and by fill; colour only repeats it. The first page fits one sheet of A4. */
export const AUDIT_STYLE = `${PAGE_STYLE}
:root{${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
.verdict{--level:var(--ink)}
.level-not-demonstrated{--level:var(--level-0)}
.level-elevated{--level:var(--level-1)}
.level-high{--level:var(--level-2)}
.level-certain{--level:var(--level-3)}
small{font-size:.8em;color:var(--muted)}
.small{font-size:.875rem}
h3{font-size:1rem;margin:1.4em 0 .3em}
section.first{border-top:0;margin-top:1.6rem;padding-top:0}
.first h2{font-size:1.05rem;margin:1.1em 0 .25em}
.first .columns h2{margin-top:.4em}
.kicker{margin:0;font-size:.8125rem;font-weight:600;letter-spacing:.08em;text-transform:uppercase;color:var(--muted)}
.level{display:inline-block;color:var(--level);font-weight:600;white-space:nowrap}
.fill{vertical-align:-.12em;height:.8em;width:auto}
.verdict{border:2px solid var(--level);border-left-width:10px;padding:.8rem 1.2rem;margin:1.1rem 0}
.verdict p{margin:.35em 0;max-width:60rem}
.said .level{font-size:1.15rem}
.verdict .found{font-size:1.45rem;font-weight:700;line-height:1.2;letter-spacing:-.01em}
.scale{display:flex;flex-wrap:wrap;gap:.3rem .5rem;padding:0;margin:.6rem 0;list-style:none;font-size:.875rem}
.scale li{color:var(--level);padding:.1rem .5rem;border:1.5px solid transparent}
.scale li[aria-current]{border-color:var(--level);font-weight:600}
.scale small{color:inherit;font-weight:400}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.6rem 1.4rem;padding:0;margin:.8rem 0;list-style:none}
.facts b{display:block;font-size:1.1rem;line-height:1.3}
.facts span,.facts small{display:block;font-size:.8125rem;line-height:1.35}
.strip{display:flex;flex-wrap:wrap;gap:.5rem 1.4rem;align-items:end;margin:.8rem 0}
.strip p{flex:1 1 12rem;font-size:.875rem;align-self:center}
.strip figcaption{font-weight:400;font-size:.8125rem;margin:.15rem 0 0}
.strip img{width:72px;height:72px}
.strip img,.pictures img{object-fit:contain;image-rendering:pixelated;border:1px solid var(--muted);background:#777}
.columns{display:grid;grid-template-columns:1fr 1fr;gap:0 2.2rem}
.first ul:not(.scale,.facts,.boxes){padding-left:1.1rem}
.first li{margin:.15em 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:.4em 0}
dt{font-weight:600}
dd{margin:0;min-width:0;overflow-wrap:anywhere}
.first dl{grid-template-columns:minmax(5.5rem,max-content) 1fr;font-size:.9375rem}
.words{max-width:58rem}
.decide{border:1.5px solid var(--ink);padding:.6rem 1.2rem .7rem;margin:1.4rem 0 0;break-inside:avoid}
.decide h2{margin-top:.1em}
.boxes{list-style:none;padding:0;margin:.3em 0}
.boxes li{display:flex;gap:.5em;align-items:baseline}
.boxes li::before{content:'';flex:none;width:.8em;height:.8em;border:1.5px solid var(--ink);transform:translateY(.08em)}
.line{flex:1;border-bottom:1px solid var(--ink);min-width:4rem;height:1em}
.sign{display:grid;grid-template-columns:2fr 1fr 2fr;gap:.6rem 1.6rem;margin:1.1em 0 .6em}
.sign>span{display:flex;gap:.5em;align-items:baseline}
pre{overflow-x:auto;background:var(--shade);padding:.5rem .7rem;margin:.5rem 0}
.stack small{display:block}
.cell{display:inline-block;min-width:3.4em;padding:.1em .35em;border:1.5px solid transparent;text-align:center;line-height:1.25}
.cell b{display:block}
.cell-none b{font-weight:400}
.cell-some{border-color:var(--ink)}
.cell-much{border-color:var(--ink);background:var(--ink);color:var(--paper);print-color-adjust:exact;-webkit-print-color-adjust:exact}
.pictures td,.pictures th{text-align:center}
.pictures tbody th{vertical-align:middle}
.pictures td,.pictures th{padding:.36rem .4rem}
.pictures img{display:block;width:72px;height:72px;margin:0 auto .2rem}
.pictures .best img{outline:3px solid var(--ink);outline-offset:1px}
.pictures td:nth-child(2){border-right:2px solid var(--ink)}
@media screen and (max-width:760px){
.columns,.sign{grid-template-columns:minmax(0,1fr)}
.verdict{padding:.6rem .8rem;border-left-width:6px}
.verdict .found{font-size:1.2rem}
dl,.first dl{grid-template-columns:minmax(0,1fr);gap:0}
dd{margin:0 0 .4rem}
.pictures img{width:64px;height:64px}
}
@media print{
:root{${LIGHT};--level-0:#000;--level-1:#000;--level-2:#000;--level-3:#000}
section.first{margin:0;break-after:page;font-size:8.1pt;line-height:1.29}
.first p,.first ul{margin:.25em 0}
.first .kicker{margin:0;font-size:7.5pt}
.first h1{font-size:14pt;margin:0 0 .1em}
.first .lead{font-size:8.6pt;max-width:none}
.first h2{font-size:10pt;margin:.6em 0 .15em}
.verdict{padding:.3rem .7rem;margin:.4rem 0;border-left-width:7px}
.said .level{font-size:11pt}
.verdict .found{font-size:13pt}
.first .scale,.first .facts{margin:.25rem 0}
.facts{grid-template-columns:repeat(3,1fr);gap:.2rem 1rem}
.facts b{font-size:10pt}
.facts span,.facts small,.scale,.strip p,.strip figcaption,.first .small{font-size:7.4pt}
.strip{flex-wrap:nowrap;margin:.3rem 0;gap:.2rem .8rem}
.strip p{flex:1 1 5rem}
.strip img{width:10.5mm;height:10.5mm}
.first dl{font-size:8pt;grid-template-columns:max-content 1fr;gap:.05rem .7rem;margin:.15em 0}
.first li{margin:.05em 0}
.first .warning{margin:.3rem 0}
.decide{margin-top:.5rem;padding:.2rem .7rem}
.sign{margin:1em 0 .3em}
.pictures img{width:15mm;height:15mm}
.verdict,.scroll{break-inside:avoid}
.small{font-size:8pt}
table{font-size:7pt}
th,td{padding:.15rem .25rem}
h3{break-after:avoid}
th .name{min-width:0;max-width:none}
.words dd{break-inside:avoid}
}
`
