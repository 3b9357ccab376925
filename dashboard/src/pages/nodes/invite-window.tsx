import { useState } from 'react'
import type { FederationError } from '#protocol/errors.js'
import type { HttpAnswer } from '#protocol/http-api.js'
import { moment } from '../../look/format.js'
import { Button } from '../../parts/button.js'
import { Choice } from '../../parts/choice.js'
import { Window } from '../../parts/confirm.js'
import { CopyField } from '../../parts/copy.js'
import { Problem } from '../../parts/problem.js'
import { Qr } from '../../parts/qr.js'
import { problemOf } from '../../server/api.js'
import { api } from '../../server/client.js'
import { joinCommand } from './join-command.js'
import css from './nodes.module.css'

const TIMES = [
  { id: '15', label: '15 minutes' },
  { id: '60', label: '1 hour' },
  { id: '1440', label: '1 day' },
  { id: '10080', label: '7 days' },
] as const
type Minutes = (typeof TIMES)[number]['id']
type Invitation = HttpAnswer<'POST /api/nodes/invite'>

/** A code with which one more machine takes part. */
export function InviteWindow({ onClose }: { readonly onClose: () => void }) {
  const [minutes, setMinutes] = useState<Minutes>('60')
  const [invitation, setInvitation] = useState<Invitation | null>(null)
  const [problem, setProblem] = useState<FederationError | null>(null)
  const [isPending, setIsPending] = useState(false)
  const invite = async (): Promise<void> => {
    setIsPending(true)
    setProblem(null)
    try {
      setInvitation(
        await api.call('POST /api/nodes/invite', { body: { minutes: Number(minutes) } }),
      )
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setIsPending(false)
    }
  }
  return (
    <Window isOpen onClose={onClose} title="Invite a node">
      {invitation === null ? (
        <div className={css['form']}>
          <p>One machine enrols with the code. It makes its own key and needs no code again.</p>
          <Choice
            label="The code is good for"
            showsLabel
            items={TIMES}
            value={minutes}
            onChange={setMinutes}
          />
        </div>
      ) : (
        <Invited invitation={invitation} />
      )}
      {problem !== null && <Problem error={problem} />}
      <div className={css['end']}>
        <Button onPress={onClose}>{invitation === null ? 'Cancel' : 'Done'}</Button>
        <Button look="primary" isPending={isPending} onPress={() => void invite()}>
          {invitation === null ? 'Make a code' : 'Make another'}
        </Button>
      </div>
    </Window>
  )
}

function Invited({
  invitation: { code, expiresAt, fingerprint },
}: {
  readonly invitation: Invitation
}) {
  const command = joinCommand({ origin: location.origin, code, fingerprint })
  return (
    <div className={css['given']}>
      <div className={css['pair']}>
        <Qr text={command} label="The command, for a camera" />
        <div>
          <CopyField label="Code" text={code} isLarge />
          <p className="muted">
            Good once, until {moment(expiresAt)}. It is shown here only: nobody can look it up.
          </p>
        </div>
      </div>
      <CopyField label="Command" text={command} />
      <p className="muted">
        In place of <code>mnist</code>: the data of that machine, such as{' '}
        <code>csv:patients.csv:label=outcome</code>.
      </p>
    </div>
  )
}
