import { useSyncExternalStore } from 'react'

/** live: news come as they happen. connecting: they will. away: the coordinator cannot be reached, and it is tried again. */
export type ConnectionState = 'live' | 'connecting' | 'away'

let state: ConnectionState = 'connecting'
const listeners = new Set<() => void>()

export function setConnection(next: ConnectionState): void {
  if (next === state) return
  state = next
  for (const listener of listeners) listener()
}
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
export const useConnection = (): ConnectionState => useSyncExternalStore(subscribe, () => state)
