import { AUDIT_LEVELS, type AuditLevel } from '#protocol/audit-level.js'
import { LEVEL_WORDS } from '#protocol/audit-words.js'
import { classNames } from '../look/class-names.js'
import css from './level.module.css'

/** From an empty box to a full one: the order can be seen without colour. */
const FILLS: Readonly<Record<AuditLevel, string>> = {
  'not-demonstrated': '',
  elevated: 'M2 10L11 1M11 11L20 2',
  high: 'M2 6L6 2M2 11L11 2M7 11L16 2M12 11L20 3M17 11L20 8',
  certain: 'M2 2H20V10H2Z',
}

function Swatch({ level }: { readonly level: AuditLevel }) {
  return (
    <svg viewBox="0 0 22 12" width="22" height="12" aria-hidden="true">
      <path
        d={FILLS[level]}
        stroke="currentColor"
        strokeWidth="1.2"
        fill={level === 'certain' ? 'currentColor' : 'none'}
      />
      <rect x="1" y="1" width="20" height="10" fill="none" stroke="currentColor" />
    </svg>
  )
}

/** A verdict as a word, with how full its box is. */
export function Level({ level }: { readonly level: AuditLevel }) {
  return (
    <span className={classNames(css['level'], css[level])}>
      <Swatch level={level} />
      {LEVEL_WORDS[level].label}
    </span>
  )
}

/** All four in their order; the one that holds, if one does, is framed. */
export function LevelScale({
  present,
  threshold,
}: {
  readonly present: AuditLevel | null
  /** The highest with which a run starts; null: any. */
  readonly threshold: AuditLevel | null
}) {
  return (
    <ol className={css['scale']} aria-label="Verdicts, from the lowest to the highest">
      {AUDIT_LEVELS.map((level) => (
        <li
          key={level}
          className={classNames(css['step'], css[level])}
          aria-current={level === present ? 'true' : undefined}
        >
          <Swatch level={level} />
          <span className={css['word']}>{LEVEL_WORDS[level].label}</span>
          <span className={css['note']}>
            {level === present && 'this audit'}
            {level === present && level === threshold && ', '}
            {level === threshold && 'starts up to here'}
          </span>
        </li>
      ))}
    </ol>
  )
}
