import { QueryClient } from '@tanstack/react-query'
import { FederationError } from '#protocol/errors.js'
import { Api } from './api.js'
import { askAgain } from './sign-in-again.js'

/** Lists are asked for again when the coordinator says that they changed; this is for when it could not say so. */
const STALE_MS = 30_000
const TRIES = 3
export const SESSION_KEY = ['session'] as const

const isWorthAnother = (tries: number, error: unknown): boolean =>
  tries < TRIES && error instanceof FederationError && error.retryable

/** What pages have asked for. */
export const queryClient = new QueryClient({
  defaultOptions: {
    // The coordinator may be on this machine, where a browser that is offline reaches it all the same.
    queries: { staleTime: STALE_MS, retry: isWorthAnother, networkMode: 'always' },
    mutations: { networkMode: 'always' },
  },
})
/** Whoever is no longer known is asked who they are, over the page where they were. */
export const api = new Api({
  onUnknown: (error) => (hasSession() ? askAgain(error) : Promise.resolve(false)),
})
/** Before anybody signed in there is a page of its own for it. */
const hasSession = (): boolean => (queryClient.getQueryData(SESSION_KEY) ?? null) !== null
