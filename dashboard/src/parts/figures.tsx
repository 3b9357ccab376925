import type { ReactNode } from 'react'
import css from './figures.module.css'

/** The numbers that one asks for first, beside each other: six, so that rows are full on every screen. */
export function Figures({ children }: { readonly children: ReactNode }) {
  return <dl className={css['figures']}>{children}</dl>
}

export function Figure({
  label,
  below = null,
  children,
}: {
  readonly label: string
  readonly below?: ReactNode
  readonly children: ReactNode
}) {
  return (
    <div className={css['figure']}>
      <dt className={css['label']}>{label}</dt>
      <dd className={css['value']}>{children}</dd>
      <dd className={css['below']}>{below}</dd>
    </div>
  )
}
