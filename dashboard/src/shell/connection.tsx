import { Button } from 'react-aria-components'
import { classNames } from '../look/class-names.js'
import { useConnection, wakeConnection } from '../server/connection.js'
import type { LiveState } from '../server/live.js'
import css from './connection.module.css'

const WORDS: Readonly<Record<LiveState, string>> = {
  live: 'Live',
  connecting: 'Connecting …',
  away: 'Reconnecting …',
  replaced: 'Paused: open elsewhere',
  refused: 'Not live: reload the page',
}

/** Whether what one sees is what is. */
export function Connection() {
  const state = useConnection()
  return (
    <div className={classNames(css['connection'], css[state])}>
      <span className={css['dot']} aria-hidden="true" />
      <span role="status" className={css['word']} title={WORDS[state]}>
        {WORDS[state]}
      </span>
      {state === 'replaced' && (
        <Button className={css['wake'] ?? ''} onPress={wakeConnection}>
          Go on here
        </Button>
      )}
    </div>
  )
}
