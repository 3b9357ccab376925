/** The section about methods that leave ever more layers out of the federation: which cut each round had, and what came of it. */
import type { RoundRecord } from '#protocol/record.js'
import type { Section } from './page-parts.js'
import { againstRounds, curvesOf, type Quantity } from './subject-figures.js'
import type { Subject } from './subjects.js'
import { metric } from './trajectories.js'

type Read = (round: RoundRecord) => number | undefined
const FIGURES: readonly (Quantity & { readonly read: Read })[] = [
  { title: 'Layers below the cut', unit: 'count', fromZero: true, read: metric('cut') },
  { title: 'Loss of the heads', unit: 'number', read: metric('head/loss') },
  {
    ...{ title: 'Bytes up', unit: 'bytes', fromZero: true },
    read: ({ metrics, bytesUp }) => (metrics['cut'] === undefined ? undefined : bytesUp),
  },
]

export function droppingSection(subjects: readonly Subject[]): Section | null {
  const dropping = subjects.filter(({ runs }) =>
    runs.some(({ rounds }) => rounds.some(({ metrics }) => metrics['cut'] !== undefined)),
  )
  if (dropping.length === 0) return null
  return {
    title: 'Dropping of layers',
    note: 'Clients send what they have at the cut; the layers above it stay personal, and the heads that the coordinator trains take their place. A shallower cut leaves more to the heads, and its activations can be larger. Bytes are those of all clients in a round.',
    subjects: dropping,
    figures: FIGURES.flatMap(({ read, ...what }) => againstRounds(curvesOf(dropping, read), what)),
  }
}
