import { z } from 'zod'
import { decodeBundle, type Bundle } from '#protocol/bundle.js'
import { FederationError } from '#protocol/errors.js'
import { canonicalJson, type JsonObject } from '#protocol/json.js'
import type { RunConfig } from '#protocol/run-config.js'
import { CATALOGUE, type Catalogue } from './catalogue.js'

const labelSchema = z.looseObject({ model: z.looseObject({ name: z.string() }) })

/** The bundle that `startFrom` names, from its bytes. Throws `model/unreadable` when they are none. */
export function decodeStart(bytes: Uint8Array): Bundle {
  const bundle = decodeBundle(bytes)
  if (bundle.ok) return bundle.value
  throw new FederationError(
    'model/unreadable',
    `startFrom names bytes that are no bundle of params: ${bundle.error.message}`,
    { cause: bundle.error },
  )
}

/**
 * Two models can have tensors of the same names and shapes and still compute something else. Where the bundle says of which
 * model its params are, that must be the configuration's: throws `model/does-not-fit`. A bundle without such a label is
 * judged by its tensors alone, when the run's method takes them over.
 */
export function assertSameModel(
  { model }: Pick<RunConfig, 'model'>,
  bundle: Bundle,
  catalogue: Catalogue = CATALOGUE,
): void {
  const label = labelSchema.safeParse(bundle.meta)
  if (!label.success) return
  const [own, other] = [model, label.data.model as JsonObject].map((choice) =>
    canonicalJson(withDefaults(choice, catalogue)),
  )
  if (own === other) return
  throw new FederationError(
    'model/does-not-fit',
    `startFrom holds params of the model ${other}, the configuration names ${own}`,
  )
}

/** With every option that the model has now, so that a bundle of an older version is compared by what it meant. */
function withDefaults({ name, ...options }: JsonObject, catalogue: Catalogue): JsonObject {
  const entry = catalogue.models.find((one) => one.name === name)
  const parsed = entry?.options.safeParse(options)
  return { name: name ?? null, ...(parsed?.success === true ? (parsed.data as object) : options) }
}
