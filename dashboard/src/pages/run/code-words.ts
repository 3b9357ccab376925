/** Codes with which members' tasks end, in a few words for who looks. */
import { isErrorCode, type ErrorCode } from '#protocol/errors.js'
import type { MemberProgress } from '#protocol/run-views.js'

const WORDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  'round/not-leased': 'it had no task in the round',
  'update/conflict': 'a second, different update',
  'update/malformed': 'other tensors than it was asked for',
  'update/not-finite': 'training produced NaN or infinity',
  'update/out-of-range': 'an element is larger than the run allows',
  'update/norm-too-large': 'the update is longer than the run allows',
  'update/bad-weight': 'it claims more examples than the run allows',
  'update/corrupt': 'its bytes do not match their hash',
  'upload/out-of-order': 'the upload lost its order',
  'upload/too-slow': 'the upload was too slow',
  'task/failed': 'the task failed on the node',
  'task/refused': 'the node cannot do the task',
  'policy/refused': "the node's policy forbids it",
  'data/mismatch': 'it came back with other data',
  'auth/bad-token': 'the node was revoked',
  'coordinator/unreachable': 'the connection was lost',
}
const LATE = 'round/closed'

/** What became of a task, as people tell it apart: late is one that was not done in time, whoever noticed. */
export const FATES = ['asked', 'accepted', 'late', 'refused', 'failed'] as const
export type Fate = (typeof FATES)[number]
export const fateOf = ({ state, code }: Pick<MemberProgress, 'state' | 'code'>): Fate =>
  code === LATE ? 'late' : state

/** Why, as the end of a sentence. Of a code that this page has no words for, the code. */
export function codeWords(code: string, state: MemberProgress['state']): string {
  if (code === LATE)
    return state === 'failed' ? 'not done by the deadline' : 'it came after the round had closed'
  return (isErrorCode(code) ? WORDS[code] : undefined) ?? code
}
