import { useEffect, useSyncExternalStore } from 'react'
import type { ListName } from '#protocol/ui-messages.js'
import { queryClient } from './client.js'
import { Live, type LiveState } from './live.js'

/** One for the page, from when somebody is signed in until they sign out. */
let live: Live | null = null
const listeners = new Set<() => void>()
const tell = (): void => {
  for (const listener of listeners) listener()
}

function open(): Live {
  live ??= new Live()
  live.onState(tell)
  tell()
  return live
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
