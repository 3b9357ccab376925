/**
 * What a page and its coordinator say to each other on the namespace `/ui`. The page says what it watches, and of a run the last
 * event that it has seen; the coordinator tells what came after, in order. After a lost connection the page says the same again:
 * nothing is missed and nothing told twice.
 */
import { z } from 'zod'
import { MOST_WATCHED_RUNS, stageSchema } from './run-views.js'
import { runId, time } from './wire.js'

/** What happened in a run. */
export const eventSchema = z.strictObject({
  /** 1, 2, 3 … within a run, without gaps. */
  seq: z.int().min(1),
  at: time,
  type: z.string(),
  data: z.record(z.string(), z.json()),
})
export type RunEvent = z.infer<typeof eventSchema>

/** Lists that change as a whole: whoever watches one is told that it changed, at most once a second, and asks for it again. */
export const LISTS = ['runs', 'nodes', 'operations'] as const
export type ListName = (typeof LISTS)[number]

export const UI_MESSAGES = {
  /** Page → coordinator: all that it watches from now on. */
  'ui:watch': z.strictObject({
    lists: z.array(z.enum(LISTS)).max(LISTS.length),
    runs: z.array(z.strictObject({ runId, after: z.int().min(0) })).max(MOST_WATCHED_RUNS),
  }),
  /** Coordinator → page: acknowledged before the next is sent. */
  'ui:events': z.strictObject({ runId, events: z.array(eventSchema).min(1) }),
  /** Where the run is now. Not kept: the latest counts. */
  'ui:stage': stageSchema.extend({ runId }),
  'ui:changed': z.strictObject({ list: z.enum(LISTS) }),
} as const
export type UiMessage<Name extends keyof typeof UI_MESSAGES> = z.infer<(typeof UI_MESSAGES)[Name]>
