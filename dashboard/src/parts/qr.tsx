import { lazy, Suspense } from 'react'
import css from './qr.module.css'

const Squares = lazy(async () => ({ default: (await import('./qr-squares.js')).QrSquares }))

/** A code that a camera reads. Whoever sees it can do what the text lets them do: it is shown as long as the text is. */
export function Qr({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className={css['qr']}>
      <Suspense>
        <Squares text={text} label={label} />
      </Suspense>
    </div>
  )
}
