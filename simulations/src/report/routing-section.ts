/** The section about routing: which entries of a pool inputs were sent to, and how healthy that is. */
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
    title: 'Mutual information with the domain, in nats',
    unit: 'number',
    fromZero: true,
  },
]

export function routingSection(subjects: readonly Subject[]): Section | null {
  const histograms = subjects.flatMap((subject) => histogram(subject, subjects.length > 1))
  const curves = CURVES.flatMap((quantity) =>
    againstRounds(curvesOf(subjects, metric(quantity.metric)), quantity),
  )
  if (histograms.length + curves.length === 0) return null
  return {
    title: 'Routing',
    note: 'Shares of the selections that went to each entry of the pool, in the last round that counted them, from the most used entry to the least: the number of an entry means nothing from one seed to the next. The effective entries are the exponential of the entropy of these shares.',
    subjects,
    figures: [...curves, ...histograms],
  }
}

function histogram(
  { runs, label, letter, place }: Subject,
  isOneOfMany: boolean,
): readonly PageFigure[] {
  const ranks = usageByRank(runs.map((run) => [...latestBelow(run, 'routing/usage/').values()]))
  if (ranks.length === 0) return []
  const title = 'Use of the pool'
  return [
    {
      ...{ kind: 'bars', width: 'half' },
      title: isOneOfMany ? `${title}, ${letter}` : title,
      chart: {
        categories: ranks.map((_, rank) => String(rank + 1)),
        label: 'entry, by use',
        y: { label: 'share of selections', unit: 'share' },
        series: [
          {
            ...{ name: label, look: place },
            values: ranks.map(({ mean, low, high }) => ({ y: mean, low, high })),
          },
        ],
        form: 'bars',
      },
    },
  ]
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
