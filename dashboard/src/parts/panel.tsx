import { useId, type ReactNode } from 'react'
import { classNames } from '../look/class-names.js'
import css from './panel.module.css'

/** A titled part of a page. */
export function Panel({
  title,
  note,
  actions,
  isFlush = false,
  children,
}: {
  readonly title: string
  /** A word beside the title. */
  readonly note?: ReactNode | undefined
  readonly actions?: ReactNode
  /** What it holds reaches its edges, as a table does. */
  readonly isFlush?: boolean
  readonly children: ReactNode
}) {
  const id = useId()
  return (
    <section className={css['panel']} aria-labelledby={id}>
      <header className={css['header']}>
        <h2 id={id} className={css['title']}>
          {title}
        </h2>
        {note !== undefined && <span className={css['note']}>{note}</span>}
        {actions !== undefined && <div className={css['actions']}>{actions}</div>}
      </header>
      <div className={classNames(css['body'], isFlush && css['flush'])}>{children}</div>
    </section>
  )
}
