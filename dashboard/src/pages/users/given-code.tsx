import { moment } from '../../look/format.js'
import { CopyField } from '../../parts/copy.js'
import { Qr } from '../../parts/qr.js'
import { signInLink } from './user-words.js'
import css from './users.module.css'

export interface Given {
  readonly name: string
  readonly code: string
  readonly expiresAt: string
}

/** What a person needs to come in: shown once. */
export function GivenCode({ given: { name, code, expiresAt } }: { readonly given: Given }) {
  const link = signInLink(location.origin, code)
  return (
    <div className={css['given']}>
      <p>
        Give this to <strong>{name}</strong>, and to nobody else: whoever has it comes in as {name}.
      </p>
      <div className={css['pair']}>
        <Qr text={link} label="The link, for a camera" />
        <div>
          <CopyField label="Code" text={code} isLarge />
          <p className="muted">
            Good once, until {moment(expiresAt)}. It is shown here only: nobody can look it up.
          </p>
        </div>
      </div>
      <CopyField label="Link" text={link} />
    </div>
  )
}
