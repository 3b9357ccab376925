import { useEffect, type ReactNode } from 'react'
import { classNames } from '../look/class-names.js'
import css from './page.module.css'

/** A page: what it is called, what can be done on it, and below it what it holds. */
export function Page({
  title,
  note,
  before,
  actions,
  toolbar,
  isFlush = false,
  children,
}: {
  readonly title: string
  /** A word beside the title: how many there are, a state. */
  readonly note?: ReactNode
  /** Where it belongs, before the title. */
  readonly before?: ReactNode
  readonly actions?: ReactNode
  /** What narrows what is shown. */
  readonly toolbar?: ReactNode
  /** A table reaches the edges. */
  readonly isFlush?: boolean
  readonly children: ReactNode
}) {
  useEffect(() => {
    document.title = `${title} · Tributary`
  }, [title])
  return (
    <>
      <header className={css['header']}>
        {before}
        <h1 className={css['title']}>{title}</h1>
        {note !== undefined && <span className={css['note']}>{note}</span>}
        {actions !== undefined && <div className={css['actions']}>{actions}</div>}
      </header>
      {toolbar !== undefined && <div className={css['toolbar']}>{toolbar}</div>}
      <div className={classNames(css['body'], isFlush && css['flush'])}>{children}</div>
    </>
  )
}
