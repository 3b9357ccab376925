/** Records of runs become one page: readable without scripts, printable, with no request to anywhere. */
import { createHash } from 'node:crypto'
import type { RunRecord } from '#protocol/record.js'
import { calibrationSection } from './calibration-section.js'
import { clientSection } from './client-section.js'
import { geometrySection, headSection, similaritySection } from './diagnostics-sections.js'
import { droppingSection } from './dropping-section.js'
import { html, Html } from './html.js'
import { sectionHtml, slug, type Section } from './page-parts.js'
import { PAGE_SCRIPT } from './page-script.js'
import { PAGE_STYLE } from './page-style.js'
import { routingSection } from './routing-section.js'
import {
  byteSection,
  configurationSection,
  fingerprintSection,
  resultSection,
} from './run-sections.js'
import { classSection, curveSection, domainSection } from './score-sections.js'
import { studyOf, subjectsOf, type Subject } from './subjects.js'

export interface ReportOptions {
  /** The text of ECharts for browsers: with it, charts answer to a pointer. */
  readonly echarts?: string
}

/** The same page for the same records. Runs that differ only in their seed are one subject of it. */
export function compareReport(
  records: readonly RunRecord[],
  { echarts }: ReportOptions = {},
): string {
  const subjects = subjectsOf(records)
  const sections = sectionsOf(subjects)
  const title = titleOf(subjects)
  const scripts = echarts === undefined ? [] : [echarts, `(() => {${PAGE_SCRIPT}})()`]
  const drawing = { isInteractive: scripts.length > 0 }
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy(scripts)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${new Html(PAGE_STYLE)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p class="lead">${leadOf(subjects)}</p>
          <nav aria-label="Sections">
            <ul>
              ${sections.map((section) => html`<li><a href="#${slug(section.title)}">${section.title}</a></li>`)}
            </ul>
          </nav>
        </header>
        <main>${sections.map((section) => sectionHtml(section, drawing))}</main>
        <footer><p>Made by tributary compare. This file is complete: it loads nothing.</p></footer>
        ${scripts.map((script) => new Html(`<script>${script}</script>\n`))}
      </body>
    </html> `.markup
}

/** Sections without data are left out. */
function sectionsOf(subjects: readonly Subject[]): readonly Section[] {
  return [
    resultSection(subjects),
    curveSection(subjects, 'central'),
    curveSection(subjects, 'federated'),
    calibrationSection(subjects),
    classSection(subjects),
    clientSection(subjects),
    domainSection(subjects),
    routingSection(subjects),
    droppingSection(subjects),
    similaritySection(subjects),
    headSection(subjects),
    geometrySection(subjects),
    byteSection(subjects),
    configurationSection(subjects),
    fingerprintSection(subjects),
  ].filter((section) => section !== null)
}

/** Nothing is loaded, and no script runs but these. */
function policy(scripts: readonly string[]): string {
  const hashes = scripts.map(
    (script) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  )
  const allowed = hashes.length === 0 ? '' : `; script-src ${hashes.join(' ')}`
  return `default-src 'none'; style-src 'unsafe-inline'${allowed}`
}

function titleOf(subjects: readonly Subject[]): string {
  const [first] = subjects
  if (subjects.length === 1 && first !== undefined) return first.label
  const study = studyOf(subjects.map(({ row }) => row.name))
  const configurations = `${subjects.length} configurations`
  return study === null ? `Comparison of ${configurations}` : `${study}: ${configurations}`
}

/** How many configurations and runs, from when, by which version. */
function leadOf(subjects: readonly Subject[]): string {
  const runs = subjects.flatMap((subject) => subject.runs)
  const days = [...new Set(runs.map(({ createdAt }) => createdAt.slice(0, 10)))].sort()
  const versions = [...new Set(runs.map(({ version }) => version))].sort()
  const count = (number: number, noun: string): string =>
    `${number} ${noun}${number === 1 ? '' : 's'}`
  const when =
    days.length > 1 ? `from ${days[0] ?? ''} to ${days.at(-1) ?? ''}` : `on ${days[0] ?? ''}`
  return `${count(subjects.length, 'configuration')} in ${count(runs.length, 'run')}, recorded ${when} by tributary ${versions.join(', ')}.`
}
