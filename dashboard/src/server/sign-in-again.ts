import { useSyncExternalStore } from 'react'
import type { FederationError } from '#protocol/errors.js'

/** Why a person who had signed in is asked once more. ended: the session is over. old: it was too long ago for what they want. */
export type Reason = 'ended' | 'old'
interface Asking {
  readonly reason: Reason
  readonly answer: Promise<boolean>
  readonly tell: (isSignedIn: boolean) => void
}
let asking: Asking | null = null
const listeners = new Set<() => void>()
const set = (next: Asking | null): void => {
  asking = next
  for (const listener of listeners) listener()
}

/** Resolves when the person has signed in again (true), or would rather not. Many calls ask once. */
export function askAgain({ code }: FederationError): Promise<boolean> {
  if (asking !== null) return asking.answer
  let tell: (isSignedIn: boolean) => void = () => undefined
  const answer = new Promise<boolean>((resolve) => {
    tell = resolve
  })
  set({ reason: code === 'auth/bad-token' ? 'ended' : 'old', answer, tell })
  return answer
}
let times = 0
/** How often somebody signed in over this page. */
export const timesSignedIn = (): number => times
export function answerAgain(isSignedIn: boolean): void {
  if (isSignedIn) times += 1
  const told = asking
  set(null)
  told?.tell(isSignedIn)
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
/** Why the person is asked now; null: they are not. */
export const useAskedAgain = (): Reason | null =>
  useSyncExternalStore(subscribe, () => asking?.reason ?? null)
