import { EyeOff } from 'lucide-react'
import css from './hidden-note.module.css'

/** Says what is not there, and why: else one would look for it. */
export function HiddenNote({ hidden }: { readonly hidden: readonly string[] }) {
  if (hidden.length === 0) return null
  return (
    <details className={css['note']}>
      <summary className={css['summary']}>
        <EyeOff size={14} aria-hidden="true" />
        Privacy settings of this run hide single members, from everyone
      </summary>
      <ul className={css['list']}>
        {hidden.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
    </details>
  )
}
