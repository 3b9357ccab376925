/** A report of an audit becomes one page: it has no script, loads nothing, and can be printed and signed. */
import { contradictionsIn } from '#algorithms/audit/recheck.js'
import { judgementOf } from '#algorithms/audit/soundness.js'
import type { SignedReport } from '#protocol/audit-report.js'
import { html, Html } from '../report/html.js'
import { sectionHtml, slug, type Section } from '../report/page-parts.js'
import { attackSection, thresholdSection, wordsSection } from './explained.js'
import { curveSection, likenessSection, recognitionSection } from './figures.js'
import { firstPage } from './first-page.js'
import { AUDIT_STYLE } from './page-style.js'
import { pictureSection } from './pictures.js'
import { controlSection, labelSection, utilitySection } from './side-tables.js'
import { methodSection, resultSection } from './result-tables.js'
import { setupsOf } from '#protocol/audit-setups.js'
import {
  fingerprintSection,
  limitationSection,
  settingsSection,
  threatSection,
} from './statements.js'

/** Nothing runs, nothing is loaded; pictures are part of the page. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

/** The same page for the same report. */
export async function auditReportPage(signed: SignedReport): Promise<string> {
  const { report } = signed
  const setups = setupsOf(report)
  const checked = {
    contradictions: await contradictionsIn(report),
    judgement: await judgementOf(report),
  }
  const sections = sectionsOf(signed)
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>Privacy audit: ${report.name}</title>
        <style>
          ${new Html(AUDIT_STYLE)}
        </style>
      </head>
      <body>
        <main>
          ${firstPage(signed, setups, checked)}
          <nav aria-label="Evidence">
            <ul>
              ${sections.map(({ title }) => html`<li><a href="#${slug(title)}">${title}</a></li>`)}
            </ul>
          </nav>
          ${sections.map((section) => sectionHtml(section, { isInteractive: false }))}
        </main>
        <footer>
          <p>
            Made by tributary audit from report.json, which is what counts and what is signed. This
            file is complete: it loads nothing and runs nothing.
          </p>
        </footer>
      </body>
    </html> `.markup
}

/** Sections without data are left out. */
function sectionsOf(signed: SignedReport): readonly Section[] {
  const { report } = signed
  return [
    wordsSection(report),
    resultSection(report),
    pictureSection(report),
    recognitionSection(report),
    likenessSection(report),
    methodSection(report),
    curveSection(report),
    controlSection(report),
    labelSection(report),
    utilitySection(report),
    attackSection(report),
    thresholdSection(report),
    threatSection(report),
    limitationSection(report),
    settingsSection(report),
    fingerprintSection(signed),
  ].filter((section) => section !== null)
}
