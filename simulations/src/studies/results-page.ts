/** The page of a study: its tables, pictures and fingerprint, to be committed beside its cells. */
import { join } from 'node:path'
import type { Machine } from '#simulations/benchmarks/machine.js'
import { markdownTable, type Table } from '#simulations/report/markdown.js'
import type { CellResult } from './cell-result.js'
import type { Study } from './load-study.js'
import { accuracyPicture, clientsPicture, curvesPicture, gainPicture } from './pictures.js'
import { writeResultFile } from './results-directory.js'
import type { Named } from './study-file.js'
import { tableText, valueText } from './table-text.js'
import { isOverClients, studyTables, valueOf, type StudyTable } from './table.js'

export interface StudyResults {
  readonly study: Omit<Study, 'cells'>
  /** At least one. */
  readonly results: readonly CellResult[]
  readonly machine: Machine
  /** What a person types to make this page. */
  readonly command: string
}

/**
 * Writes `README.md`, `accuracy.svg`, `curves-<setting>.svg`; over a baseline `gain.svg`; of a measure over clients
 * `clients-<setting>.svg`. The same results give the same bytes.
 */
export async function writeResults(directory: string, page: StudyResults): Promise<void> {
  const tables = studyTables(page.results, page.study)
  await writeResultFile(join(directory, 'README.md'), resultsMarkdown(page, tables))
  await writeResultFile(
    join(directory, 'accuracy.svg'),
    accuracyPicture(page.study.name, page.results),
  )
  if (isGainDrawn(tables)) {
    await writeResultFile(join(directory, 'gain.svg'), gainPicture(page.study, page.results))
  }
  for (const { setting } of tables) {
    const own = page.results.filter((result) => result.setting === setting)
    const title = `${page.study.name}: ${setting}`
    await writeResultFile(join(directory, `curves-${setting}.svg`), curvesPicture(title, own))
    const clients = clientsDrawn(page, setting)
    if (clients !== null) await writeResultFile(join(directory, `clients-${setting}.svg`), clients)
  }
}

/** The single clients of a setting, where the study is about them. */
export function clientsDrawn({ study, results }: StudyResults, setting: string): string | null {
  if (!isOverClients(results[0]?.measure ?? '')) return null
  const own = results.filter((result) => result.setting === setting)
  return clientsPicture(`${study.name}: ${setting}`, own)
}

/** Over a baseline, where there is a pair. */
const isGainDrawn = (tables: readonly StudyTable[]): boolean =>
  tables.some(({ baseline, rows }) => baseline !== null && rows.some(({ gain }) => gain !== null))

export function resultsMarkdown(page: StudyResults, tables: readonly StudyTable[]): string {
  const { study, results, command } = page
  const measure = results[0]?.measure ?? ''
  return [
    `# ${study.name}`,
    `Written by \`${command}\`. Every value is the mean over seeds ± the sample standard deviation. ${gainSentence(study, measure)} In pictures, whiskers and bands go from the lowest to the highest seed.`,
    ...calibrationSentences(results, measure),
    ...clientSentences(tables),
    `![${measure} of every variant](accuracy.svg)`,
    ...(isGainDrawn(tables) ? [`![gain over ${study.baseline}](gain.svg)`] : []),
    ...tables.flatMap((table) => [
      `## ${table.setting}`,
      markdownTable(tableText(table)),
      `![${measure} by round](curves-${table.setting}.svg)`,
      ...(clientsDrawn(page, table.setting) === null
        ? []
        : [`![accuracy of every client, by variant](clients-${table.setting}.svg)`]),
    ]),
    '## What was compared',
    'A cell is the base configuration, changed by its setting and then by its variant.',
    ...[changesTable('variant', study.variants), changesTable('setting', study.settings)],
    '## Fingerprint',
    markdownTable({ head: ['what', 'value'], rows: fingerprint(page) }),
    markdownTable(cellsTable(results)),
  ]
    .join('\n\n')
    .concat('\n')
}

function gainSentence({ base, baseline }: StudyResults['study'], measure: string): string {
  return baseline === null
    ? `The gain is ${measure} of ${base} less that of the variant, seed by seed: above 0, ${base} is higher.`
    : `The gain is ${measure} of the variant less that of ${baseline}, seed by seed: above 0, the variant is higher.`
}

function calibrationSentences(results: readonly CellResult[], measure: string): string[] {
  const isCalibrated = results.some(({ calibration }) => calibration !== undefined)
  const isContinued = results.some(({ startsFrom }) => startsFrom !== undefined)
  const sentences = [
    isCalibrated
      ? `Where a variant ends with a calibration, *before* is ${measure} of the model that it corrected, and ${measure} that of the calibrated one. *Worst class* is the lowest recall of any class, *worst before* that of the corrected model.`
      : '',
    isContinued
      ? 'A variant that starts from the model of another counts bytes and seconds of its own rounds alone.'
      : '',
  ].filter((sentence) => sentence !== '')
  return sentences.length === 0 ? [] : [sentences.join(' ')]
}

/** Of a measure over clients. */
function clientSentences(tables: readonly StudyTable[]): string[] {
  const rows = tables.flatMap((table) => table.rows.flatMap(({ clients }) => clients ?? []))
  if (rows.length === 0) return []
  const beats = rows.some(({ beatsLocal }) => beatsLocal !== null)
    ? ' *Beat local training* is the share of the clients that score higher than in the run of the same seed in which every client trains alone; the same score is no win.'
    : ''
  return [
    `Every client is scored on its own held-out examples and counts once. *Deviation between clients* is the standard deviation over the clients of a run, *worst 10 %* the mean of its lowest tenth, both then the mean over seeds.${beats} In pictures of clients each dot is a client of a seed, the box holds their middle half, and the line in it is their mean.`,
  ]
}

const changesTable = (kind: string, named: readonly Named[]): string =>
  markdownTable({
    head: [kind, 'changes'],
    rows: named.map(({ name, overrides }) => [
      name,
      Object.keys(overrides).length === 0 ? 'nothing' : `\`${JSON.stringify(overrides)}\``,
    ]),
  })

function fingerprint({ study, results, machine }: StudyResults): Table['rows'] {
  const engines = results.map(
    ({ engine }) =>
      `${engine.backend} ${engine.version}, ${engine.threads} thread${engine.threads === 1 ? '' : 's'}`,
  )
  return [
    ['seeds', study.seeds.join(', ')],
    ['tributary', `${machine.version}, commit ${commitText(machine)}`],
    ['backend', [...new Set(engines)].join('; ')],
    ['processor', `${machine.cpu}, ${machine.cores} cores`],
    ['load average at the start', machine.load.toFixed(2)],
    ['Node.js', machine.node],
  ]
}

function commitText({ commit }: Machine): string {
  if (commit === null) return 'unknown'
  return commit.endsWith('+') ? `${commit.slice(0, -1)}, modified` : commit
}

const short = (hash: string): string => `\`${hash.slice(0, 12)}\``
function cellsTable(results: readonly CellResult[]): Table {
  return {
    head: ['setting', 'variant', 'seed', results[0]?.measure ?? '', 'configuration', 'model'],
    rows: results.map((result) => {
      const value = valueOf(result)
      return [
        ...[result.setting, result.variant, String(result.seed)],
        value === undefined ? '–' : valueText(result.measure, value),
        short(result.configHash),
        result.modelHash === null ? '–' : short(result.modelHash),
      ]
    }),
  }
}
