import { useState, type FormEvent } from 'react'
import { Button } from '../../parts/button.js'
import { Field } from '../../parts/field.js'
import { Problem } from '../../parts/problem.js'
import css from './sign-in.module.css'
import { useSignIn } from './use-sign-in.js'

export function PasswordForm({ onCode }: { readonly onCode: () => void }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const { enter, isPending, problem } = useSignIn()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    enter({ name: name.trim().toLowerCase(), password })
  }
  return (
    <form onSubmit={submit} className={css['form']}>
      <Field
        label="Name"
        autoComplete="username"
        value={name}
        onChange={setName}
        isRequired
        autoFocus
      />
      <Field
        label="Password"
        type="password"
        autoComplete="current-password"
        value={password}
        onChange={setPassword}
        isRequired
      />
      {problem !== null && <Problem error={problem} />}
      <Button look="primary" type="submit" isWide isPending={isPending}>
        Sign in
      </Button>
      <Button look="quiet" isWide onPress={onCode}>
        Use a one-time code
      </Button>
    </form>
  )
}
