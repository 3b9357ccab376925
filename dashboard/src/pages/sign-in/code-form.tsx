import { useState, type FormEvent } from 'react'
import { Button } from '../../parts/button.js'
import { Field } from '../../parts/field.js'
import { Problem } from '../../parts/problem.js'
import css from './sign-in.module.css'
import { useSignIn } from './use-sign-in.js'

/** For who got a code by word, or from the terminal in which the coordinator was started. */
export function CodeForm({
  onCode,
  onPassword,
}: {
  readonly onCode: (code: string) => void
  readonly onPassword: () => void
}) {
  const [code, setCode] = useState('')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (code.trim() !== '') onCode(code.trim())
  }
  return (
    <form onSubmit={submit} className={css['form']}>
      <Field
        label="One-time code"
        autoComplete="one-time-code"
        description="An administrator gave it to you. The first one is printed where the coordinator was started"
        value={code}
        onChange={setCode}
        isRequired
        autoFocus
        isCode
        maxLength={100}
      />
      <Button look="primary" type="submit" isWide>
        Continue
      </Button>
      <Button look="quiet" isWide onPress={onPassword}>
        Use a password
      </Button>
    </form>
  )
}

/** A code is good once: with it one chooses how to come back, or comes in this once. */
export function FirstPasswordForm({
  code,
  onBack,
}: {
  readonly code: string
  readonly onBack: () => void
}) {
  const [password, setPassword] = useState('')
  const { enter, isPending, problem } = useSignIn()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    enter({ code, password })
  }
  const isCodeBad = problem?.code === 'auth/bad-code' || problem?.code === 'auth/expired-code'
  return (
    <form onSubmit={submit} className={css['form']}>
      <p className={css['text']}>
        Your code lets you in once. Choose a password to come back without another.
      </p>
      <Field
        label="New password"
        type="password"
        autoComplete="new-password"
        description="At least 12 characters"
        value={password}
        onChange={setPassword}
        isRequired
        autoFocus
      />
      {problem !== null && <Problem error={problem} />}
      <Button look="primary" type="submit" isWide isPending={isPending}>
        Set password and sign in
      </Button>
      {isCodeBad ? (
        <Button look="quiet" isWide onPress={onBack}>
          Enter another code
        </Button>
      ) : (
        <Button look="quiet" isWide onPress={() => enter({ code })}>
          Sign in this once
        </Button>
      )}
    </form>
  )
}
