import { useState, type FormEvent } from 'react'
import type { FederationError } from '#protocol/errors.js'
import { Button } from '../parts/button.js'
import { Window } from '../parts/confirm.js'
import { Field } from '../parts/field.js'
import { Problem } from '../parts/problem.js'
import { problemOf } from '../server/api.js'
import { forget, signIn, useSession } from '../server/session.js'
import { answerAgain, type Reason } from '../server/sign-in-again.js'
import css from './password-window.module.css'

const TEXTS: Readonly<Record<Reason, string>> = {
  ended: 'Your session has ended. What you were doing is still here and goes on when you sign in.',
  old: 'This needs a sign-in of the last quarter of an hour, so that nobody can do it at a screen that was left open.',
}

/** Over the page, which stays as it is: the password once more. */
export function SignInAgain({ reason }: { readonly reason: Reason }) {
  const { name } = useSession()
  const [password, setPassword] = useState('')
  const [problem, setProblem] = useState<FederationError | null>(null)
  const [isPending, setIsPending] = useState(false)
  const enter = async (): Promise<void> => {
    setIsPending(true)
    try {
      await signIn({ name, password })
      answerAgain(true)
    } catch (error) {
      setProblem(problemOf(error))
      setIsPending(false)
    }
  }
  const leave = (): void => {
    if (reason === 'ended') forget()
    answerAgain(false)
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void enter()
  }
  return (
    <Window isOpen onClose={leave} title="Sign in again" isPersistent={reason === 'ended'}>
      <p className={css['text']}>{TEXTS[reason]}</p>
      <form onSubmit={submit} className={css['form']}>
        <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
        <Field
          label={`Password of ${name}`}
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
          isRequired
          autoFocus
        />
        {problem !== null && <Problem error={problem} />}
        <div className={css['actions']}>
          <Button onPress={leave}>{reason === 'ended' ? 'Leave the page' : 'Cancel'}</Button>
          <Button look="primary" type="submit" isPending={isPending}>
            Sign in
          </Button>
        </div>
      </form>
    </Window>
  )
}
