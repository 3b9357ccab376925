import { classNames } from '../look/class-names.js'
import { useConnection, type ConnectionState } from '../server/connection.js'
import css from './connection.module.css'

const WORDS: Readonly<Record<ConnectionState, string>> = {
  live: 'Live',
  connecting: 'Connecting …',
  away: 'Not connected',
}

/** Whether what one sees is what is. */
export function Connection() {
  const state = useConnection()
  return (
    <p role="status" className={classNames(css['connection'], css[state])}>
      <span className={css['dot']} aria-hidden="true" />
      <span className={css['word']}>{WORDS[state]}</span>
    </p>
  )
}
