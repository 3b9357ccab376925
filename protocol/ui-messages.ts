/**
 * What a page and its coordinator say to each other on the namespace `/ui`. The page says what it watches, and of a run the last
 * event that it has seen; the coordinator tells what came after, in order. After a lost connection the page says the same again:
 * nothing is missed and nothing told twice.
 */
import { z } from 'zod'
import type { JsonObject } from './json.js'
import { parseWith } from './parse-with.js'
import type { Result } from './result.js'
import { MOST_WATCHED_RUNS, stageSchema } from './run-views.js'
import { problem, runId, time } from './wire.js'

const data: z.ZodType<JsonObject> = z.record(z.string(), z.json())
/** What happened in a run. */
export const eventSchema = z.strictObject({
  /** 1, 2, 3 … within a run, without gaps. */
  seq: z.int().min(1),
  at: time,
  type: z.string(),
  data,
})
export type RunEvent = z.infer<typeof eventSchema>

/** Lists that change as a whole: whoever watches one is told that it changed, at most once a second, and asks for it again. */
export const LISTS = ['runs', 'nodes', 'operations'] as const
export type ListName = (typeof LISTS)[number]

const watchedRuns = z
  .array(z.strictObject({ runId, after: z.int().min(0) }))
  .max(MOST_WATCHED_RUNS)
  .refine(
    (runs) => new Set(runs.map((one) => one.runId)).size === runs.length,
    'a run is there twice',
  )

export const UI_MESSAGES = {
  /** Page → coordinator: all that it watches from now on. */
  'ui:watch': z.strictObject({
    lists: z.array(z.enum(LISTS)).max(LISTS.length),
    runs: watchedRuns,
  }),
  /** Coordinator → page: events that follow one another. */
  'ui:events': z.strictObject({ runId, events: z.array(eventSchema).min(1) }),
  /** Where the run is now. Not kept: the latest counts. */
  'ui:stage': stageSchema.extend({ runId }),
  'ui:changed': z.strictObject({ list: z.enum(LISTS) }),
} as const
export type UiName = keyof typeof UI_MESSAGES
export type UiMessage<Name extends UiName> = z.infer<(typeof UI_MESSAGES)[Name]>

const done = z.strictObject({ ok: z.literal(true) })
/** What comes back. The coordinator tells a page no more of a thing before what it told is acknowledged. */
export const UI_ACKS = {
  'ui:watch': z.union([
    z.strictObject({
      ok: z.literal(true),
      /** Not watched: there is no such run, or not as many events of it as the page has seen. The page begins anew with them. */
      lost: z.array(runId),
    }),
    z.strictObject({ ok: z.literal(false), problem }),
  ]),
  'ui:events': done,
  'ui:stage': done,
  'ui:changed': done,
} as const satisfies Record<UiName, z.ZodType>
export type UiAck<Name extends UiName> = z.infer<(typeof UI_ACKS)[Name]>

/** The message, or `message/malformed` naming the first problem. Never throws. */
export const parseUiMessage = <Name extends UiName>(
  name: Name,
  value: unknown,
): Result<UiMessage<Name>> =>
  parseWith(UI_MESSAGES[name] as unknown as z.ZodType<UiMessage<Name>>, name, value)

/** An acknowledgement of the named message as it came from the wire. */
export const parseUiAck = <Name extends UiName>(name: Name, value: unknown): Result<UiAck<Name>> =>
  parseWith(UI_ACKS[name] as unknown as z.ZodType<UiAck<Name>>, `the answer to ${name}`, value)
