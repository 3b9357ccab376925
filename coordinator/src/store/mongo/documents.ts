import type { Slot } from '#protocol/ids.js'
import type { HeadState } from '#coordinator/store/store.js'

/**
 * What lies in the collections. Records are canonical JSON text, as in SQLite: equal values are equal text, so a swap is one
 * comparison, and nothing is lost in another number format. Beside the text is what is searched for or must be unique.
 */
export interface RunDocument {
  readonly _id: string
  readonly position: number
  readonly body: string
  readonly head: string
  /** From `head`, for the condition of an accept. */
  readonly open: {
    readonly epoch: number
    readonly round: number
    readonly attempt: number
    readonly state: HeadState
  }
  /** The accepted updates of the head's round and attempt: slot → updateId. */
  readonly slots: Readonly<Record<Slot, string>>
  readonly accepted: number
  readonly mark: string
}
/** The slots of a round and attempt that the head has left; `_id` is `roundKey`. */
export interface RoundDocument {
  readonly _id: string
  readonly slots: Readonly<Record<Slot, string>>
}
/** An update that is accepted if the slots of its round name it; `_id` is `updateKey`. */
export interface UpdateDocument {
  readonly _id: string
  readonly body: string
}
export interface MemberDocument {
  readonly _id: string
  readonly runId: string
  readonly slot: number
  readonly nodeId: string | null
  readonly body: string
  readonly mark: string
}
export interface EventDocument {
  readonly _id: string
  readonly runId: string
  readonly seq: number
  readonly at: string
  readonly type: string
  readonly data: string
  readonly mark: string
}
/** Nodes and people, in the order in which they came. */
export interface ListedDocument {
  readonly _id: string
  readonly position: number
  readonly body: string
  readonly mark: string
}
export interface CodeDocument {
  readonly _id: string
  readonly purpose: string
  readonly subject: string | null
  readonly expiresAt: string
  readonly usedAt: string | null
  readonly mark: string
}
export interface DeniedDocument {
  readonly _id: string
  readonly until: string
}
export interface AuditDocument {
  readonly _id: number
  readonly body: string
  readonly mark: string
}

export const parse = <T>(text: string): T => JSON.parse(text) as T

/** `round` and `attempt` of a run, in one key. */
export const roundKey = (
  runId: string,
  at: { readonly round: number; readonly attempt: number },
): string => `${runId}|${at.round}|${at.attempt}`
export const updateKey = (round: string, slot: Slot, updateId: string): string =>
  `${round}|${slot}|${updateId}`
