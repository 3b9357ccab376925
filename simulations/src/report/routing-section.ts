/** The section about routing: which entries of a pool inputs were sent to, and how healthy that is. */
import type { RunRecord } from '#protocol/record.js'
import type { PageFigure, Section } from './page-parts.js'
import { againstRounds, curvesOf, type Quantity } from './subject-figures.js'
import type { Subject } from './subjects.js'
import { latestBelow, metric, rangeOf, type Range } from './trajectories.js'

const CURVES: readonly (Quantity & { readonly metric: string })[] = [
  {
    metric: 'routing/effectiveEntries',
    title: 'Effective entries',
    unit: 'number',
    fromZero: true,
  },
  { metric: 'routing/similarity', title: 'Similarity of the chosen keys', unit: 'number' },
  {
    metric: 'routing/mutualInformation',
    title: 'Mutual information with the domain (nats)',
    unit: 'number',
    fromZero: true,
  },
]

export function routingSection(subjects: readonly Subject[]): Section | null {
  const curves = CURVES.map((quantity) => ({
    quantity,
    curves: curvesOf(subjects, metric(quantity.metric)),
  }))
  const used = subjects
    .map((subject): Use => ({ subject, ranks: usageByRank(subject.runs.map(usageOf)) }))
    .filter(({ ranks }) => ranks.length > 0)
  const measured = new Set([
    ...used.map(({ subject }) => subject),
    ...curves.flatMap((one) => one.curves.map(({ subject }) => subject)),
  ])
  if (measured.size === 0) return null
  return {
    title: 'Routing',
    note: 'Use of the pool: shares of the selections that went to each entry in the last round that counted them, from the most used entry to the least, because the number of an entry means nothing from one seed to the next. The effective entries are the exponential of the entropy of these shares.',
    subjects: subjects.filter((subject) => measured.has(subject)),
    figures: [
      ...curves.flatMap((one) => againstRounds(one.curves, one.quantity)),
      ...used.map((use) => histogram(use, used)),
    ],
  }
}

interface Use {
  readonly subject: Subject
  readonly ranks: readonly Range[]
}
const usageOf = (run: RunRecord): readonly number[] => [
  ...latestBelow(run, 'routing/usage/').values(),
]

/** All with the same axis, so that they can be compared. */
function histogram({ subject, ranks }: Use, all: readonly Use[]): PageFigure {
  const title = 'Use of the pool'
  const values = ranks.map(({ mean, low, high }) => ({ y: mean, low, high }))
  return {
    ...{ kind: 'bars', width: 'half' },
    title: all.length > 1 ? `${title}, ${subject.letter}` : title,
    chart: {
      categories: ranks.map((_, rank) => String(rank + 1)),
      label: 'entry, by use',
      y: {
        label: 'share of selections',
        unit: 'share',
        upTo: Math.max(...all.flatMap((use) => use.ranks.map(({ high }) => high))),
      },
      series: [{ name: subject.label, look: subject.place, letter: subject.letter, values }],
      form: 'bars',
    },
  }
}

/** Each run's shares from the largest down, then rank by rank over runs. An entry that a run lacks was not used. */
export function usageByRank(runs: readonly (readonly number[])[]): readonly Range[] {
  const sorted = runs
    .filter(({ length }) => length > 0)
    .map((shares) => [...shares].sort((a, b) => b - a))
  const entries = Math.max(0, ...sorted.map(({ length }) => length))
  return Array.from({ length: entries }, (_, rank) =>
    rangeOf(sorted.map((shares) => shares[rank] ?? 0)),
  )
}
