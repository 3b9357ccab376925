import { readFile, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import type { RunRecord } from '#protocol/record.js'
import {
  comparisonRow,
  configurationDifferences,
  configurationValues,
  groupRuns,
} from '#simulations/report/comparison.js'
import { bytes } from '#simulations/report/numbers.js'
import { addCommand } from '../command.js'
import { comparisonTable } from '../comparison-text.js'
import { findRecord, RUNS_DIRECTORY } from '../local-runs.js'
import { connect, remoteOptions, type RemoteOptions } from '../sign-in.js'

interface CompareOptions extends RemoteOptions {
  readonly runsDir: string
  readonly out?: string
}

export function registerCompare(program: Command): void {
  addCommand<CompareOptions>(program, 'compare <runs...>', {
    describe:
      'runs side by side; runs that differ only in their seed are one row with their spread',
    options: (command) =>
      remoteOptions(command)
        .option('--runs-dir <dir>', 'where simulated runs are recorded', RUNS_DIRECTORY)
        .option('--out <file>', 'write a report with charts and tables: one HTML file'),
    run: async ({ out }, options, runs) => {
      if (options.out !== undefined) await assertFolder(options.out)
      const records = await Promise.all(runs.map((run) => load(run, options)))
      const rows = groupRuns(records).map(comparisonRow)
      const { head, rows: cells } = comparisonTable(rows)
      out.table(head, cells)
      const differences = configurationDifferences(records.map(configurationValues))
      if (differences.length > 0) {
        out.say('Configurations differ in:')
        out.table(
          ['key', ...records.map((record) => record.runId)],
          differences.map(({ key, values }) => [key, ...values]),
        )
      }
      const report = options.out === undefined ? null : await writeReport(options.out, records)
      if (report !== null) out.say(`Report ${report.file}, ${bytes(report.bytes)}`)
      out.finish('compare', { rows, differences, ...(report === null ? {} : { report }) })
    },
  })
}

async function load(run: string, options: CompareOptions): Promise<RunRecord> {
  const local = await findRecord(run, options.runsDir)
  if (local !== null) return local
  try {
    return await (await connect(options)).call('GET /api/runs/:id', { id: run })
  } catch (error) {
    if (!(error instanceof FederationError) || error.code !== 'coordinator/unreachable') throw error
    throw new FederationError(
      'run/not-found',
      `No run '${run}' in ${options.runsDir}, and no coordinator answers`,
      { cause: error },
    )
  }
}

/** Before anything is computed or fetched. */
async function assertFolder(file: string): Promise<void> {
  const folder = dirname(resolve(file))
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  )
  if (!isFolder) {
    throw new FederationError(
      'usage/bad-value',
      `Cannot write --out ${file}: there is no directory ${folder}`,
    )
  }
}

interface Report {
  readonly file: string
  readonly bytes: number
}
/** What draws charts is loaded only here: every other command starts without it. */
async function writeReport(file: string, records: readonly RunRecord[]): Promise<Report> {
  const { compareReport } = await import('#simulations/report/report.js')
  const text = compareReport(records, { echarts: await echartsForBrowsers() })
  try {
    await writeFile(file, text)
  } catch (cause) {
    throw new FederationError('store/io', `Could not write ${file}`, { cause })
  }
  return { file: resolve(file), bytes: Buffer.byteLength(text) }
}

/** Lines, bars, markers and tooltips; the package's smallest build that has them. */
const echartsForBrowsers = (): Promise<string> =>
  readFile(createRequire(import.meta.url).resolve('echarts/dist/echarts.common.min.js'), 'utf8')
