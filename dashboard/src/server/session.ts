import { queryOptions, useQuery } from '@tanstack/react-query'
import { FederationError } from '#protocol/errors.js'
import { includesRole, type Role } from '#protocol/roles.js'
import { api, queryClient, SESSION_KEY } from './client.js'

export interface Session {
  readonly name: string
  readonly role: Role
}
export type Credentials =
  | { readonly name: string; readonly password: string }
  | { readonly code: string; readonly password?: string }

/** Who is signed in; null: nobody. */
export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: async ({ signal }): Promise<Session | null> => {
    try {
      const { name, role } = await api.call('GET /api/session', { signal })
      return { name, role }
    } catch (error) {
      if (error instanceof FederationError && error.code === 'auth/bad-token') return null
      throw error
    }
  },
  staleTime: Infinity,
})

/** Throws `auth/bad-password`, `auth/bad-code`, `auth/expired-code`, `auth/weak-password`, `auth/too-many-tries`. */
export async function signIn(credentials: Credentials): Promise<void> {
  const body = { ...credentials, keep: 'cookie' as const }
  const { name, role } = await api.call('POST /api/sign-in', { body })
  queryClient.setQueryData(SESSION_KEY, { name, role })
}
/** Nothing of what was seen stays. */
export async function signOut(): Promise<void> {
  try {
    await api.call('POST /api/sign-out')
  } catch (error) {
    // Who is not known any more is signed out already.
    if (!(error instanceof FederationError) || error.code !== 'auth/bad-token') throw error
  }
  forget()
}
/** The same where the session is over. */
export function forget(): void {
  // The session's own stays in its place: who looks at it is told.
  queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] })
  queryClient.setQueryData(SESSION_KEY, null)
}

/** Of who is signed in. Only what is shown to them may use it. */
export function useSession(): Session {
  const { data } = useQuery(sessionQuery)
  return data ?? NOBODY
}
const NOBODY: Session = { name: '', role: 'viewer' }
/** Whether who is signed in may do what needs the role. The coordinator decides; pages only leave out what it would refuse. */
export const useMay = (needed: Role): boolean => includesRole(useSession().role, needed)
