import type { Attempt } from '#protocol/run-views.js'
import { count, duration } from '../../look/format.js'
import { Mark, type Tone } from '../../parts/mark.js'
import { CircleCheck, CircleDotDashed, CircleSlash, type LucideIcon } from 'lucide-react'
import { Table, type Column } from '../../parts/table.js'
import { Ago } from '../../parts/time.js'
import { tallyOf, tookSeconds, type Tally } from './lanes.js'

const OUTCOMES: Readonly<Record<Attempt['outcome'], readonly [string, Tone, LucideIcon]>> = {
  open: ['Open', 'accent', CircleDotDashed],
  closed: ['Closed', 'good', CircleCheck],
  abandoned: ['Given up', 'warn', CircleSlash],
}
const number = (id: keyof Tally, header: string, from: 'phone' | 'tablet'): Column<Attempt> => ({
  ...{ id, header, width: 86, align: 'end', from },
  cell: (attempt) => count(tallyOf(attempt)[id]),
})
const COLUMNS: readonly Column<Attempt>[] = [
  {
    ...{ id: 'round', header: 'Round', width: 130, narrowWidth: 76, isRowHeader: true },
    cell: ({ round, attempt }) => (attempt > 1 ? `${round}, attempt ${attempt}` : round),
  },
  { ...{ id: 'purpose', header: 'Purpose', from: 'desktop' }, cell: ({ purpose }) => purpose },
  {
    ...{ id: 'outcome', header: 'Outcome', width: 120, narrowWidth: 104 },
    cell: ({ outcome }) => {
      const [word, tone, icon] = OUTCOMES[outcome]
      return (
        <Mark tone={tone} icon={icon}>
          {word}
        </Mark>
      )
    },
  },
  {
    ...{ id: 'asked', header: 'Asked', width: 86, narrowWidth: 64, align: 'end' },
    cell: ({ counts }) => count(counts.asked),
  },
  { ...number('accepted', 'Accepted', 'phone'), narrowWidth: 88 },
  number('late', 'Late', 'tablet'),
  number('refused', 'Refused', 'tablet'),
  number('failed', 'Failed', 'tablet'),
  {
    ...{ id: 'took', header: 'Took', width: 110, align: 'end', from: 'tablet' },
    cell: (attempt) =>
      attempt.endedAt === null ? '–' : duration(tookSeconds(attempt, Date.parse(attempt.endedAt))),
  },
  {
    ...{ id: 'opened', header: 'Opened', width: 120, align: 'end', from: 'desktop' },
    cell: ({ openedAt }) => <Ago time={openedAt} />,
  },
]

export const AttemptTable = ({ attempts }: { readonly attempts: readonly Attempt[] }) => (
  <Table
    caption="Attempts at rounds, latest first"
    columns={COLUMNS}
    rows={attempts}
    keyOf={({ round, attempt }) => `${round}.${attempt}`}
    isDense
  />
)
