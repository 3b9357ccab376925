import { useState, type FormEvent } from 'react'
import type { FederationError } from '#protocol/errors.js'
import { Button } from '../parts/button.js'
import { Window } from '../parts/confirm.js'
import { Field } from '../parts/field.js'
import { Problem } from '../parts/problem.js'
import { problemOf } from '../server/api.js'
import { api } from '../server/client.js'
import { signIn, useSession } from '../server/session.js'
import css from './password-window.module.css'

/** A person's own password. Everything else that is signed in with the old one is sent away; this page comes in with the new one. */
export function PasswordWindow({ onClose }: { readonly onClose: () => void }) {
  const { name } = useSession()
  const [password, setPassword] = useState('')
  const [newPassword, setNewPassword] = useState('')
  const [problem, setProblem] = useState<FederationError | null>(null)
  const [isPending, setIsPending] = useState(false)
  const change = async (): Promise<void> => {
    setIsPending(true)
    try {
      await api.call('POST /api/password', { body: { password, newPassword } })
      await signIn({ name, password: newPassword })
      onClose()
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setIsPending(false)
    }
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void change()
  }
  return (
    <Window isOpen onClose={onClose} title="Change password">
      <form onSubmit={submit} className={css['form']}>
        <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
        <Field
          label="Password so far"
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
          isRequired
          autoFocus
        />
        <Field
          label="New password"
          type="password"
          autoComplete="new-password"
          description="At least 12 characters. Everywhere else, you will be signed out"
          value={newPassword}
          onChange={setNewPassword}
          isRequired
        />
        {problem !== null && <Problem error={problem} />}
        <div className={css['actions']}>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="primary" type="submit" isPending={isPending}>
            Change
          </Button>
        </div>
      </form>
    </Window>
  )
}
