import { useState, type FormEvent, type ReactNode } from 'react'
import type { FederationError } from '#protocol/errors.js'
import { ROLES, type Role } from '#protocol/roles.js'
import { Button } from '../../parts/button.js'
import { Choice } from '../../parts/choice.js'
import { Confirm, Window } from '../../parts/confirm.js'
import { Field } from '../../parts/field.js'
import { Problem } from '../../parts/problem.js'
import { problemOf } from '../../server/api.js'
import { api, queryClient } from '../../server/client.js'
import { usersQuery } from '../../server/queries.js'
import { GivenCode, type Given } from './given-code.js'
import { ROLE_WORDS, type User } from './user-words.js'
import css from './users.module.css'

const reload = (): Promise<void> => queryClient.invalidateQueries(usersQuery)

/** Another person, and the code with which they come in. */
export function AddUser({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>('viewer')
  return (
    <GiveWindow
      title="Add a person"
      action="Add"
      onClose={onClose}
      onGive={() =>
        api.call('POST /api/users', { body: { name: name.trim().toLowerCase(), role } })
      }
    >
      <Field
        label="Name"
        value={name}
        onChange={setName}
        maxLength={64}
        autoComplete="off"
        description="a–z, 0–9 and . _ @ + -"
        isRequired
        autoFocus
      />
      <RoleChoice value={role} onChange={setRole} />
    </GiveWindow>
  )
}

/** Another code: for who has lost their password, or the code before. */
export function NewCode({ user, onClose }: { readonly user: User; readonly onClose: () => void }) {
  return (
    <GiveWindow
      title="Give a new code?"
      action="Give a code"
      onClose={onClose}
      onGive={() => api.call('POST /api/users/:id/code', { params: { id: user.name } })}
    >
      <p>
        The password of <strong>{user.name}</strong> and every code so far are void, and they are
        signed out everywhere.
      </p>
    </GiveWindow>
  )
}

/** Asks, then shows the code that came of it. */
function GiveWindow({
  title,
  action,
  onClose,
  onGive,
  children,
}: {
  readonly title: string
  readonly action: string
  readonly onClose: () => void
  readonly onGive: () => Promise<Given>
  readonly children: ReactNode
}) {
  const [given, setGiven] = useState<Given | null>(null)
  const [problem, setProblem] = useState<FederationError | null>(null)
  const [isPending, setIsPending] = useState(false)
  const give = async (): Promise<void> => {
    setIsPending(true)
    setProblem(null)
    try {
      setGiven(await onGive())
      await reload()
    } catch (error) {
      setProblem(problemOf(error))
    } finally {
      setIsPending(false)
    }
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void give()
  }
  return (
    <Window isOpen onClose={onClose} title={given === null ? title : 'A code to come in with'}>
      {given === null ? (
        <form onSubmit={submit} className={css['form']}>
          {children}
          {problem !== null && <Problem error={problem} />}
          <div className={css['end']}>
            <Button onPress={onClose}>Cancel</Button>
            <Button look="primary" type="submit" isPending={isPending}>
              {action}
            </Button>
          </div>
        </form>
      ) : (
        <>
          <GivenCode given={given} />
          <div className={css['end']}>
            <Button look="primary" onPress={onClose} autoFocus>
              Done
            </Button>
          </div>
        </>
      )}
    </Window>
  )
}

export function ChangeRole({
  user,
  onClose,
}: {
  readonly user: User
  readonly onClose: () => void
}) {
  const [role, setRole] = useState<Role>(user.role)
  const change = async (): Promise<void> => {
    await api.call('POST /api/users/:id/role', { params: { id: user.name }, body: { role } })
    await reload()
  }
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={`Change the role of ${user.name}`}
      action="Change"
      onConfirm={change}
    >
      <div className={css['form']}>
        <RoleChoice value={role} onChange={setRole} />
        <p>They are signed out everywhere, and come in with the new role.</p>
      </div>
    </Confirm>
  )
}

export function RevokeUser({
  user,
  onClose,
}: {
  readonly user: User
  readonly onClose: () => void
}) {
  const revoke = async (): Promise<void> => {
    await api.call('POST /api/users/:id/revoke', { params: { id: user.name } })
    await reload()
  }
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title="Revoke the person?"
      action="Revoke"
      isDanger
      onConfirm={revoke}
    >
      <strong>{user.name}</strong> is signed out everywhere and can never come in again. The name
      stays taken.
    </Confirm>
  )
}

function RoleChoice({
  value,
  onChange,
}: {
  readonly value: Role
  readonly onChange: (role: Role) => void
}) {
  return (
    <div>
      <Choice
        label="Role"
        showsLabel
        items={ROLES.map((id) => ({ id, label: id }))}
        value={value}
        onChange={onChange}
      />
      <p className="muted">{ROLE_WORDS[value]}</p>
    </div>
  )
}
