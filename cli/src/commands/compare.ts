import type { Command } from 'commander'
import { FederationError } from '#protocol/errors.js'
import type { RunRecord } from '#protocol/record.js'
import { addCommand } from '../command.js'
import { bytes, decimals, meanAndSpread, percent } from '../format.js'
import { findRecord, RUNS_DIRECTORY } from '../local-runs.js'
import { connect, remoteOptions, type RemoteOptions } from '../sign-in.js'
import { summarise } from '../summary.js'

export function registerCompare(program: Command): void {
  addCommand<RemoteOptions & { runsDir: string }>(program, 'compare <runs...>', {
    describe:
      'runs side by side; runs that differ only in their seed are one row with their spread',
    options: (command) =>
      remoteOptions(command).option(
        '--runs-dir <dir>',
        'where simulated runs are recorded',
        RUNS_DIRECTORY,
      ),
    run: async ({ out }, options, runs) => {
      const records = await Promise.all(runs.map((run) => load(run, options)))
      const rows = group(records).map(rowOf)
      out.table(
        [
          'name',
          'method',
          'model',
          'seeds',
          'rounds',
          'accuracy',
          '±',
          'loss',
          'up',
          'down',
          'seconds',
        ],
        rows.map((row) => [
          row.name,
          row.method,
          row.model,
          row.seeds.join(','),
          row.rounds,
          row.accuracy === null ? '–' : percent(row.accuracy),
          row.accuracy === null ? '–' : percent(row.spread ?? 0),
          row.loss === null ? '–' : decimals(row.loss),
          bytes(row.bytesUp),
          bytes(row.bytesDown),
          row.seconds.toFixed(1),
        ]),
      )
      const differences = configurationDifferences(records)
      if (differences.length > 0) {
        out.say('Configurations differ in:')
        out.table(
          ['key', ...records.map((record) => record.runId)],
          differences.map(({ key, values }) => [key, ...values]),
        )
      }
      out.finish('compare', { rows, differences })
    },
  })
}

async function load(run: string, options: RemoteOptions & { runsDir: string }): Promise<RunRecord> {
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

/** Runs whose configurations are equal but for seed and name. */
function group(records: readonly RunRecord[]): readonly (readonly RunRecord[])[] {
  const groups = new Map<string, RunRecord[]>()
  for (const record of records) {
    const key = configurationKey(record)
    groups.set(key, [...(groups.get(key) ?? []), record])
  }
  return [...groups.values()]
}
const configurationKey = ({ config }: RunRecord): string => JSON.stringify({ ...config, seed: 0 })

function rowOf(records: readonly RunRecord[]) {
  const summaries = records.map(summarise)
  const mean = (values: readonly (number | null)[]): { mean: number; spread: number } | null => {
    const known = values.filter((value) => value !== null)
    return known.length === 0 ? null : meanAndSpread(known)
  }
  const [first] = records
  const accuracy = mean(summaries.map((summary) => summary.accuracy))
  return {
    name: first?.name ?? '',
    method: first?.config.method.name ?? '',
    model: first?.config.model.name ?? '',
    runs: records.map((record) => record.runId),
    seeds: records.map((record) => record.config.seed),
    rounds: Math.max(...summaries.map((summary) => summary.rounds)),
    accuracy: accuracy?.mean ?? null,
    spread: accuracy?.spread ?? null,
    loss: mean(summaries.map((summary) => summary.loss))?.mean ?? null,
    bytesUp: mean(summaries.map((summary) => summary.bytesUp))?.mean ?? 0,
    bytesDown: mean(summaries.map((summary) => summary.bytesDown))?.mean ?? 0,
    seconds: mean(summaries.map((summary) => summary.seconds))?.mean ?? 0,
  }
}

function configurationDifferences(
  records: readonly RunRecord[],
): readonly { key: string; values: readonly string[] }[] {
  const flat = records.map((record) => flatten(record.config))
  const keys = [...new Set(flat.flatMap((entries) => [...entries.keys()]))].sort()
  return keys
    .map((key) => ({ key, values: flat.map((entries) => entries.get(key) ?? '–') }))
    .filter(({ key, values }) => key !== 'name' && new Set(values).size > 1)
}
function flatten(value: unknown, path = ''): Map<string, string> {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return new Map([[path, JSON.stringify(value)]])
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [
      ...flatten(inner, path === '' ? key : `${path}.${key}`),
    ]),
  )
}
