import type { LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import css from './empty.module.css'

/** Where there is nothing yet, or nothing that fits: why, and what to do. */
export function Empty({
  icon: Icon,
  title,
  children,
  action,
}: {
  readonly icon: LucideIcon
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
}) {
  return (
    <div className={css['empty']}>
      <span className={css['icon']}>
        <Icon size={18} aria-hidden="true" />
      </span>
      <p className={css['title']}>{title}</p>
      {children !== undefined && <div className={css['text']}>{children}</div>}
      {action}
    </div>
  )
}

/** Something is on its way: said after a moment, so that what comes at once does not flicker. */
export function Busy({ label }: { readonly label: string }) {
  return (
    <div role="status" className={css['busy']}>
      <span className={css['spinner']} aria-hidden="true" />
      {label}
    </div>
  )
}
