import type { ReactNode } from 'react'
import { classNames } from '../look/class-names.js'
import css from './facts.module.css'

/** A term and what there is to say of it; null and false are left out. */
export type Fact = readonly [term: string, value: ReactNode]

/** What is known of something, one below the other. */
export function Facts({
  items,
  isWide = false,
}: {
  readonly items: readonly (Fact | null | false)[]
  /** Long terms. */
  readonly isWide?: boolean
}) {
  return (
    <dl className={classNames(css['facts'], isWide && css['wide'])}>
      {items
        .filter((item) => item !== null && item !== false)
        .map(([term, value]) => (
          <div key={term} className={css['fact']}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}
