import { useMutation } from '@tanstack/react-query'
import type { FederationError } from '#protocol/errors.js'
import { problemOf } from '../../server/api.js'
import { signIn, type Credentials } from '../../server/session.js'

export interface SigningIn {
  readonly enter: (credentials: Credentials) => void
  readonly isPending: boolean
  readonly problem: FederationError | null
}

/** When it succeeds, the page that was asked for takes the place of this one. */
export function useSignIn(): SigningIn {
  const { mutate, isPending, error } = useMutation({ mutationFn: signIn })
  return { enter: mutate, isPending, problem: error === null ? null : problemOf(error) }
}
