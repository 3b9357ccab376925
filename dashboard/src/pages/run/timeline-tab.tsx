import { History } from 'lucide-react'
import { useState } from 'react'
import type { FederationError } from '#protocol/errors.js'
import type { Attempt } from '#protocol/run-views.js'
import { Button } from '../../parts/button.js'
import { Empty } from '../../parts/empty.js'
import { Panel } from '../../parts/panel.js'
import { Problem } from '../../parts/problem.js'
import { Segments } from '../../parts/segments.js'
import { problemOf } from '../../server/api.js'
import type { LiveRun } from '../../server/run.js'
import { AttemptRows } from './attempt-rows.js'
import { AttemptTable } from './attempt-table.js'
import { FateKeys } from './fate-keys.js'
import { HiddenNote } from './hidden-note.js'
import { nameIn } from './member-names.js'
import css from './timeline.module.css'

const MODES = [
  { id: 'time', label: 'By time' },
  { id: 'members', label: 'By member' },
  { id: 'table', label: 'Table' },
] as const
type Mode = (typeof MODES)[number]['id']
const STEP = 20

/** Round by round, attempt by attempt: who was asked, and what came of it. */
export function TimelineTab({ run }: { readonly run: LiveRun }) {
  const { attempts, hasEarlier, view } = run
  const [mode, setMode] = useState<Mode>('time')
  const [most, setMost] = useState(STEP)
  const earlier = useEarlier(run, () => setMost((now) => now + STEP))
  const nameOf = nameIn(view.roster)
  if (attempts.length === 0)
    return (
      <Empty icon={History} title="No round has opened yet">
        Each attempt at a round appears here as soon as members are asked.
      </Empty>
    )
  const newestFirst = attempts.toReversed()
  const shown = newestFirst.slice(0, most)
  const isHidden = view.hidden.length > 0
  const modes = isHidden ? MODES.filter(({ id }) => id !== 'members') : MODES
  return (
    <div className={css['stack']}>
      <HiddenNote hidden={view.hidden} />
      <Panel
        title="Rounds"
        note="Latest first"
        isFlush
        actions={<Segments label="Shown" items={modes} value={mode} onChange={setMode} />}
      >
        {mode !== 'table' && !isHidden && <FateKeys />}
        {mode === 'table' ? (
          <AttemptTable attempts={shown} />
        ) : (
          <AttemptRows {...{ attempts: shown, mode, nameOf }} />
        )}
        <div className={css['more']}>
          {earlier.problem !== null && <Problem error={earlier.problem} />}
          {(newestFirst.length > most || hasEarlier) && (
            <Button
              look="quiet"
              isPending={earlier.isPending}
              onPress={() => earlier.show(newestFirst, most)}
            >
              Show earlier rounds
            </Button>
          )}
        </div>
      </Panel>
    </div>
  )
}

/** Shows more of what is known, and asks for what is not. */
function useEarlier(run: LiveRun, showMore: () => void) {
  const [isPending, setIsPending] = useState(false)
  const [problem, setProblem] = useState<FederationError | null>(null)
  const load = async (): Promise<void> => {
    setIsPending(true)
    try {
      await run.loadEarlier()
      setProblem(null)
      showMore()
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setIsPending(false)
    }
  }
  const show = (known: readonly Attempt[], most: number): void => {
    if (known.length >= most + STEP || !run.hasEarlier) showMore()
    else void load()
  }
  return { isPending, problem, show }
}
