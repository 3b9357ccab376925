import { CircleAlert } from 'lucide-react'
import type { FederationError } from '#protocol/errors.js'
import { adviceFor } from './advice.js'
import { Button } from './button.js'
import css from './problem.module.css'

/** Another try has the same answer. */
const FINAL: ReadonlySet<string> = new Set([
  'auth/forbidden',
  'run/hidden',
  'run/no-keys',
  'run/not-found',
])

/** What went wrong, what to do about it, and the code by which documentation knows it. */
export function Problem({
  error,
  onRetry,
}: {
  readonly error: FederationError
  readonly onRetry?: () => void
}) {
  return (
    <div role="alert" className={css['problem']}>
      <CircleAlert size={16} aria-hidden="true" />
      <div className={css['text']}>
        <p className={css['message']}>{error.message}</p>
        <p className={css['advice']}>
          {adviceFor(error.code)}. <code>{error.code}</code>
        </p>
      </div>
      {onRetry !== undefined && !FINAL.has(error.code) && (
        <Button onPress={onRetry}>Try again</Button>
      )}
    </div>
  )
}
