import { ago, moment } from '../look/format.js'
import { useNow } from '../look/use-now.js'

/** How long ago something was; exactly when, to who points at it. */
export function Ago({ time }: { readonly time: string }) {
  return (
    <time dateTime={time} title={moment(time)}>
      {ago(time, useNow())}
    </time>
  )
}
