import type { Attempt } from '#protocol/run-views.js'
import { count, duration, moment } from '../../look/format.js'
import { codeWords, fateOf } from './code-words.js'
import { FATE_LABELS } from './fate-keys.js'
import css from './timeline.module.css'

/** What became of each member's task in one attempt. */
export function AttemptMembers({
  attempt,
  nameOf,
}: {
  readonly attempt: Attempt
  readonly nameOf: (slot: number) => string
}) {
  const { members, openedAt, deadlineSeconds, counts } = attempt
  const deadline =
    deadlineSeconds === null ? 'no deadline' : `deadline ${duration(deadlineSeconds)}`
  return (
    <div className={css['details']}>
      <p className={css['opened']}>
        Opened {moment(openedAt)} · {deadline}
      </p>
      {members.length === 0 ? (
        <p>{count(counts.asked)} members were asked; who they are is hidden.</p>
      ) : (
        <ul className={css['members']}>
          {members.map((member) => {
            const { slot, state, at, code } = member
            const after = at === null ? null : (Date.parse(at) - Date.parse(openedAt)) / 1000
            const fate = fateOf(member)
            return (
              <li key={slot} className={css['member']} title={code ?? undefined}>
                <span className={css['bullet']} data-fate={fate} aria-hidden="true" />
                <span className={css['who']}>{nameOf(slot)}</span>
                <span className={css['what']}>
                  {FATE_LABELS[fate]}
                  {after !== null && ` after ${duration(Math.max(0, after))}`}
                  {code !== null && `: ${codeWords(code, state)}`}
                </span>
              </li>
            )
          })}
        </ul>
      )}
    </div>
  )
}
