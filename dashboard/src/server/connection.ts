import { useEffect, useSyncExternalStore } from 'react'
import type { ListName } from '#protocol/ui-messages.js'
import { api, queryClient } from './client.js'
import { Live, type LiveState } from './live.js'
import { timesSignedIn } from './sign-in-again.js'

/** One for the page, from when somebody is signed in until they sign out. */
let live: Live | null = null
const listeners = new Set<() => void>()
const tell = (): void => {
  for (const listener of listeners) listener()
}

function open(): Live {
  live ??= begin()
  tell()
  return live
}
function begin(): Live {
  const begun = new Live()
  begun.onState(() => {
    tell()
    if (begun === live) void askWhy(begun)
  })
  return begun
}
const REOPEN_MS = 10_000
let reopenedAt = -Infinity
/** Whether a session that ended is why nothing is told any more: then it is told again as soon as there is another one. */
async function askWhy({ state, problem }: Live): Promise<void> {
  const isRefused = state === 'refused' && problem?.code === 'auth/bad-token'
  if (!isRefused && state !== 'replaced') return
  const before = live
  try {
    const isAsked = await isSignedInAgain()
    // Refused although the session is sound: the connection still knew the one before. Not again and again, though.
    const isSoon = performance.now() - reopenedAt < REOPEN_MS
    if (live === before && (isAsked || (isRefused && !isSoon))) reopen()
  } catch {
    // Whoever asks next for anything is told what is wrong.
  }
}
/** False where the session was sound all along, and something else is the reason. */
async function isSignedInAgain(): Promise<boolean> {
  const before = timesSignedIn()
  await api.call('GET /api/session')
  return timesSignedIn() > before
}
function reopen(): void {
  reopenedAt = performance.now()
  live?.close()
  live = begin()
  tell()
}
function close(): void {
  live?.close()
  live = null
  tell()
}
const wake = (): void => {
  if (document.visibilityState === 'visible') live?.wake()
}

/** Around everything that is seen by who is signed in: keeps the connection, and wakes it when the page is looked at again. */
export function useLiveConnection(): void {
  useEffect(() => {
    open()
    document.addEventListener('visibilitychange', wake)
    globalThis.addEventListener('online', wake)
    return () => {
      document.removeEventListener('visibilitychange', wake)
      globalThis.removeEventListener('online', wake)
      close()
    }
  }, [])
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const useConnection = (): LiveState =>
  useSyncExternalStore(subscribe, () => live?.state ?? 'connecting')
/** Of the page; null for the moment before it is opened. */
export const useLive = (): Live | null => useSyncExternalStore(subscribe, () => live)
export const wakeConnection = (): void => live?.wake()

/** The list is asked for again whenever it changed, as long as this part of the page is there. */
export function useLiveList(list: ListName): void {
  const connection = useLive()
  useEffect(
    () =>
      connection?.onList(
        list,
        () => void queryClient.invalidateQueries({ queryKey: ['list', list] }),
      ),
    [connection, list],
  )
}
