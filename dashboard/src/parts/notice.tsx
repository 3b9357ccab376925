import { CircleAlert, Info, TriangleAlert, type LucideIcon } from 'lucide-react'
import type { ReactNode } from 'react'
import { classNames } from '../look/class-names.js'
import css from './notice.module.css'

type Tone = 'info' | 'warn' | 'bad'
const ICONS: Readonly<Record<Tone, LucideIcon>> = {
  info: Info,
  warn: TriangleAlert,
  bad: CircleAlert,
}

/** What must be known before anything below it is read. */
export function Notice({
  tone,
  title,
  children,
}: {
  readonly tone: Tone
  readonly title: ReactNode
  readonly children?: ReactNode
}) {
  const Icon = ICONS[tone]
  return (
    <div className={classNames(css['notice'], css[tone])}>
      <Icon size={16} aria-hidden="true" />
      <div className={css['text']}>
        <p className={css['title']}>{title}</p>
        {children !== undefined && <div className={css['more']}>{children}</div>}
      </div>
    </div>
  )
}
