/** What the schemas of configurations are made of. */
import { z } from 'zod'
import type { JsonObject } from './json.js'

/** For each name that a configuration can choose, the schema (a strict object) of its own options, without `name`. */
export interface ConfigCatalogue {
  readonly models: Readonly<Record<string, z.ZodType>>
  readonly methods: Readonly<Record<string, z.ZodType>>
  readonly calibrations: Readonly<Record<string, z.ZodType>>
  readonly serverOptimizers: Readonly<Record<string, z.ZodType>>
  readonly clientOptimizers: Readonly<Record<string, z.ZodType>>
  readonly samplers: Readonly<Record<string, z.ZodType>>
  readonly aggregators: Readonly<Record<string, z.ZodType>>
  readonly updateTransforms: Readonly<Record<string, z.ZodType>>
}

/** A catalogue choice: a name and that entry's own options, checked against the entry's own schema. */
export interface Choice extends JsonObject {
  readonly name: string
}

export const text = z.string().min(1).max(1000)

type Options = Readonly<Record<string, z.ZodType>>
type Shape = Readonly<Record<string, z.ZodType>>

/** One object schema per name: the name, the keys common to all, the entry's own. */
export function choice(options: Options | undefined, common: Shape = {}): z.ZodType<Choice> {
  if (options === undefined) {
    return z.looseObject({ name: text, ...common }) as unknown as z.ZodType<Choice>
  }
  const variants = Object.entries(options).map(([name, own]) =>
    (own as z.ZodObject).safeExtend({ name: z.literal(name), ...common }),
  )
  return z.discriminatedUnion(
    'name',
    variants as unknown as [z.ZodObject],
  ) as unknown as z.ZodType<Choice>
}
export const nameOf = (options: Options | undefined): z.ZodType<string> =>
  options === undefined ? text : z.enum(Object.keys(options))

export const wholeNumber = (smallest: number, largest: number) => z.int().min(smallest).max(largest)
