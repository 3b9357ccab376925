import { Clock, CircleCheck, CircleDashed, CircleX, Ban, type LucideIcon } from 'lucide-react'
import { count } from '../../look/format.js'
import { Mark, type Tone } from '../../parts/mark.js'
import type { Column } from '../../parts/table.js'
import type { ClientRow } from './client-rows.js'
import { codeWords, type Fate } from './code-words.js'
import { FATE_LABELS } from './fate-keys.js'
import css from './clients.module.css'

const LOOKS: Readonly<Record<Fate, readonly [Tone, LucideIcon]>> = {
  asked: ['accent', CircleDashed],
  accepted: ['good', CircleCheck],
  late: ['warn', Clock],
  refused: ['bad', Ban],
  failed: ['bad', CircleX],
}
const none = <span className="muted">–</span>
const fateColumn = (id: Fate, header: string): Column<ClientRow> => ({
  ...{ id, header, width: 92, align: 'end', from: 'tablet' },
  sortBy: ({ fates }) => fates[id],
  cell: ({ fates }) => (fates[id] === 0 ? <span className="muted">0</span> : count(fates[id])),
})

export const CLIENT_COLUMNS: readonly Column<ClientRow>[] = [
  {
    ...{ id: 'slot', header: 'Slot', width: 72, narrowWidth: 64, align: 'end' },
    sortBy: ({ slot }) => slot,
    cell: ({ slot }) => slot,
  },
  {
    ...{ id: 'name', header: 'Member', isRowHeader: true },
    sortBy: ({ name }) => name,
    cell: ({ name, nodeId }) => <span title={nodeId ?? undefined}>{name}</span>,
  },
  {
    ...{ id: 'engine', header: 'Computes with', from: 'desktop' },
    sortBy: ({ engine }) => engine,
    cell: ({ engine }) => <span className={css['second']}>{engine}</span>,
  },
  {
    ...{ id: 'examples', header: 'Examples', width: 100, align: 'end', from: 'tablet' },
    sortBy: ({ examples }) => examples,
    cell: ({ examples }) => (examples === null ? none : count(examples)),
  },
  fateColumn('accepted', 'Accepted'),
  fateColumn('late', 'Late'),
  fateColumn('refused', 'Refused'),
  fateColumn('failed', 'Failed'),
  {
    ...{ id: 'latest', header: 'Latest task', width: 230, narrowWidth: 168 },
    sortBy: ({ latest }) => latest?.round ?? null,
    cell: ({ latest }) => {
      if (latest === null) return none
      const [tone, icon] = LOOKS[latest.fate]
      const why = latest.code === null ? '' : codeWords(latest.code, latest.state)
      return (
        <span title={why === '' ? undefined : why}>
          <Mark tone={tone} icon={icon}>
            {FATE_LABELS[latest.fate]} <span className={css['second']}>· round {latest.round}</span>
          </Mark>
        </span>
      )
    },
  },
]
