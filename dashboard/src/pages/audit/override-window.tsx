import { useState } from 'react'
import { Confirm } from '../../parts/confirm.js'
import { Field } from '../../parts/field.js'
import { FederationError } from '#protocol/errors.js'
import { api, queryClient } from '../../server/client.js'
import { auditQuery, auditsQuery } from '../../server/queries.js'
import css from './audit.module.css'

/** An administrator lets the run start in spite of its audit, and says why. */
export function OverrideWindow({
  runId,
  onClose,
}: {
  readonly runId: string
  readonly onClose: () => void
}) {
  const [reason, setReason] = useState('')
  const override = async (): Promise<void> => {
    if (reason.trim() === '') throw new FederationError('message/malformed', 'A reason is needed')
    await api.call('POST /api/runs/:id/audit-override', {
      params: { id: runId },
      body: { reason: reason.trim() },
    })
    await Promise.all([
      queryClient.invalidateQueries(auditQuery(runId)),
      queryClient.invalidateQueries(auditsQuery),
    ])
  }
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title="Override the audit?"
      action="Override"
      isDanger
      onConfirm={override}
    >
      <div className={css['form']}>
        <p>
          The run may then be resumed, and its model exported, in spite of what the audit says. Your
          name and the reason are kept with the run and in the audit log. It cannot be taken back.
        </p>
        <Field
          label="Reason"
          value={reason}
          onChange={setReason}
          maxLength={200}
          isRequired
          autoFocus
        />
      </div>
    </Confirm>
  )
}
