/** Sections about the runs themselves: results in one table, bytes, configurations, fingerprints. */
import type { Engine, RunRecord } from '#protocol/record.js'
import { configurationDifferences, type ComparisonRow } from './comparison.js'
import { html, table, type Cell } from './html.js'
import { bytes, decimals, percent } from './numbers.js'
import { nameOf, type PageFigure, type Section } from './page-parts.js'
import { hasSpread } from './score-sections.js'
import { againstRounds, curvesOf } from './subject-figures.js'
import type { Subject } from './subjects.js'
import { roundBytes } from './trajectories.js'

const orDash = <Value>(value: Value | null, cell: (value: Value) => Cell): Cell =>
  value === null ? '–' : cell(value)
const code = (text: string): Cell => html`<code>${text}</code>`

export function resultSection(subjects: readonly Subject[]): Section {
  const hasClients = subjects.some(({ row }) => row.lowestClient !== null)
  const isRepeated = hasSpread(subjects)
  const numbers = [
    ...['seeds', 'rounds', 'accuracy', ...(isRepeated ? ['±'] : []), 'loss'],
    ...(hasClients ? ['lowest – highest client'] : []),
    ...['up', 'down', 'seconds'],
  ]
  const rows = subjects.map((subject): readonly Cell[] => {
    const { row, runs } = subject
    return [
      nameOf(subject),
      row.method,
      row.model,
      row.seeds.join(', '),
      String(row.rounds),
      orDash(row.accuracy, percent),
      ...(isRepeated ? [orDash(runs.length > 1 ? row.spread : null, percent)] : []),
      orDash(row.loss, decimals),
      ...(hasClients ? [clientsOf(row)] : []),
      bytes(row.bytesUp),
      bytes(row.bytesDown),
      row.seconds.toFixed(1),
    ]
  })
  const head = [
    ...['configuration', 'method', 'model'].map((head) => ({ head })),
    ...numbers.map((head) => ({ head, isNumber: true })),
  ]
  return {
    title: 'Results',
    note: isRepeated
      ? 'Means over the runs of a configuration, which differ in their seed; ± is the sample standard deviation of the accuracy. Up is what clients sent, down what they received.'
      : 'Up is what clients sent, down what they received.',
    body: html`${table('Results by configuration', head, rows)}${unfinished(subjects)}`,
  }
}

const clientsOf = ({ lowestClient, highestClient }: ComparisonRow): string =>
  lowestClient === null || highestClient === null
    ? '–'
    : `${percent(lowestClient)} – ${percent(highestClient)}`

/** Runs that did not reach their end are part of the means: it must be said. */
function unfinished(subjects: readonly Subject[]) {
  const runs = subjects.flatMap(({ letter, runs }) => runs.map((run) => ({ letter, run })))
  const items = runs
    .filter(({ run }) => run.state !== 'finished')
    .map(
      ({ letter, run }) =>
        html`<li>
          <b>${letter}</b> ${run.runId}, seed ${run.config.seed}:
          ${run.state}${run.reason === null ? '' : html` (${run.reason})`}
        </li>`,
    )
  return items.length === 0
    ? ''
    : html`<div class="warning">
        <p>These runs did not finish, and count as far as they came:</p>
        <ul>
          ${items}
        </ul>
      </div>`
}

export function byteSection(subjects: readonly Subject[]): Section | null {
  const sent = subjects.filter(({ row }) => row.bytesUp + row.bytesDown > 0)
  if (sent.length === 0) return null
  const perRound = curvesOf(sent, (round) => (round.round > 0 ? roundBytes(round) : undefined))
  const total: PageFigure = {
    ...{ kind: 'bars', title: 'Bytes in total', width: 'half' },
    chart: {
      categories: sent.map(({ letter }) => letter),
      label: 'configuration',
      y: { label: 'bytes', unit: 'bytes' },
      series: [
        { name: 'up', values: sent.map(({ row }) => ({ y: row.bytesUp })) },
        { name: 'down', values: sent.map(({ row }) => ({ y: row.bytesDown })) },
      ],
      form: 'bars',
      looks: sent.map(({ place }) => place),
    },
  }
  return {
    title: 'Bytes',
    note: `All clients together; a round that only evaluates takes less. In total: what clients sent (solid) and what they received (hatched).${
      perRound.some(({ points }) => points.some(({ isCalibrated }) => isCalibrated))
        ? ' A star is a round of a calibration.'
        : ''
    }`,
    subjects: sent,
    figures: [
      ...againstRounds(perRound, {
        title: 'Bytes in both directions',
        unit: 'bytes',
        fromZero: true,
      }),
      total,
    ],
  }
}

export function configurationSection(subjects: readonly Subject[]): Section {
  const configurations = subjects.map(({ configuration }) => configuration)
  const differences = configurationDifferences(configurations)
  const different = new Set([...differences.map(({ key }) => key), 'name'])
  const common = [...(configurations[0] ?? [])].filter(([key]) => !different.has(key))
  const differing = table(
    'Keys in which configurations differ',
    [
      { head: 'key' },
      ...subjects.map(({ letter, label }) => ({
        head: html`<abbr title="${label}">${letter}</abbr>`,
      })),
    ],
    differences.map(({ key, values }) => [code(key), ...values.map(code)]),
  )
  const shared = table(
    subjects.length > 1 ? 'Keys that are the same in all' : 'Keys of the configuration',
    [{ head: 'key' }, { head: 'value' }],
    common.map(([key, value]) => [code(key), code(value)]),
  )
  return {
    title: 'Configurations',
    subjects: differences.length > 0 ? subjects : [],
    body: html`${differences.length > 0 ? differing : ''}
      <details>
        <summary>
          ${
            subjects.length > 1 ? `The same in all: ${common.length} keys` : `${common.length} keys`
          }
        </summary>
        ${shared}
      </details>`,
  }
}

/** What may be the same for all runs, and is then said once. */
const SHARED: readonly { readonly head: string; readonly of: (run: RunRecord) => string }[] = [
  { head: 'kind', of: ({ kind }) => kind },
  { head: 'tributary', of: ({ version }) => version },
  { head: 'computed by', of: enginesOf },
]

export function fingerprintSection(subjects: readonly Subject[]): Section {
  const all = subjects.flatMap(({ runs }) => runs)
  const isShared = ({ of }: (typeof SHARED)[number]): boolean => new Set(all.map(of)).size === 1
  const own = SHARED.filter((fact) => !isShared(fact))
  const shared = SHARED.filter(isShared).flatMap(({ head, of }) =>
    all.slice(0, 1).map((run) => `${head}: ${of(run)}`),
  )
  const hash = (text: string): Cell => html`<code class="hash">${text}</code>`
  const rows = subjects.flatMap(({ letter, runs }) =>
    runs.map((run): readonly Cell[] => [
      html`<b>${letter}</b> <code>${run.runId}</code>`,
      String(run.config.seed),
      html`<time>${run.createdAt.slice(0, 16).replace('T', ' ')}</time>`,
      ...own.map(({ of }) => of(run)),
      hash(run.configHash),
      orDash(run.modelHash, hash),
    ]),
  )
  const heads = [
    ...['run', 'seed', 'begun (UTC)', ...own.map(({ head }) => head)],
    ...['SHA-256 of the configuration', 'SHA-256 of the model'],
  ]
  return {
    title: 'Fingerprints',
    note: `A model's bytes follow from the run's record: configuration, seed, data, engine, and whose updates each round accepted. tributary simulate --replay RUN computes them again.${
      shared.length === 0 ? '' : ` The same for all: ${shared.join('; ')}.`
    }`,
    body: table(
      'Fingerprint of every run',
      heads.map((head) => ({ head, isNumber: head === 'seed' })),
      rows,
    ),
  }
}

/** The engines of the coordinator and of all members, each once. */
function enginesOf({ engine, roster }: RunRecord): string {
  const text = ({ backend, version, threads }: Engine): string =>
    `${backend} (${version}), ${threads} ${threads === 1 ? 'thread' : 'threads'}`
  return [...new Set([engine, ...roster.map((member) => member.engine)].map(text))].join('; ')
}
