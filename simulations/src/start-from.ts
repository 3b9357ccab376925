/** From what people write in `startFrom` to the hash that a configuration holds, and from that to the bytes. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import { sha256, type Hash } from '#protocol/ids.js'
import { isJsonObject, type JsonObject, type JsonValue } from '#protocol/json.js'
import { parsePretrainOptions } from '#protocol/pretrain-options.js'
import type { RunConfig, RunConfigInput } from '#protocol/run-config.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { decodeStart } from '#algorithms/start-from.js'
import { findBundle, keepBundle } from './bundle-cache.js'
import { pretrained, type PretrainHooks } from './pretraining/pretrained.js'

const writtenSchema = z.union([
  z.strictObject({ file: z.string().min(1) }),
  z.strictObject({ pretrain: z.record(z.string(), z.json()) }),
])
type StartRequest = { readonly file: string } | { readonly pretrain: JsonObject }

/**
 * The hash of what is written in `startFrom` as an object, for a run of this configuration. The bytes are in the user's cache
 * then. Throws `config/invalid` for another object, `model/unreadable` for a file that holds no bundle, and what
 * pre-training throws.
 */
export type StartOf = (written: JsonObject, config: RunConfig) => Promise<Hash>

/** Resolves what is the same once: runs of a study often share a start. */
export function createStarts(hooks: PretrainHooks = {}): StartOf {
  const known = new Map<string, Promise<Hash>>()
  return (written, config) => {
    const request = requestOf(written, config)
    const key = JSON.stringify(request)
    const start = known.get(key) ?? resolveStart(request, hooks)
    known.set(key, start)
    start.catch(() => known.delete(key))
    return start
  }
}

/** With what a pre-training takes from the run where it does not say otherwise. */
function requestOf(written: JsonObject, { model, seed, compute }: RunConfig): StartRequest {
  const parsed = writtenSchema.safeParse(written)
  if (!parsed.success) {
    throw new FederationError(
      'config/invalid',
      `startFrom: expected a hash, {"file": PATH}, {"pretrain": {…}}, in a study {"variant": NAME}, or null; got ${JSON.stringify(written)}`,
    )
  }
  if ('file' in parsed.data) return { file: resolve(parsed.data.file) }
  const { compute: own, ...pretrain } = parsed.data.pretrain
  const computes = isJsonObject(own) ? { ...compute, ...own } : (own ?? { ...compute })
  return { pretrain: { model, seed, ...pretrain, compute: computes } }
}

async function resolveStart(request: StartRequest, hooks: PretrainHooks): Promise<Hash> {
  if ('file' in request) return keepFile(request.file)
  const options = parsePretrainOptions(request.pretrain, configCatalogue())
  if (options.ok) return (await pretrained(options.value, hooks)).hash
  const lines = options.error.message.split('\n').map((line) => `startFrom.pretrain.${line}`)
  throw new FederationError(options.error.code, lines.join('\n'), { cause: options.error })
}

async function keepFile(path: string): Promise<Hash> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new FederationError('model/unreadable', `startFrom: cannot read ${path}: ${why}`, {
      cause,
    })
  }
  decodeStart(bytes)
  return keepBundle(bytes)
}

/** `startFrom.file` of a configuration, and of its variants and settings, from the directory of the file that says so. */
export function withAbsoluteStart(experiment: JsonObject, path: string): JsonObject {
  const start = experiment['startFrom']
  const own =
    isJsonObject(start) && typeof start['file'] === 'string'
      ? { startFrom: { ...start, file: resolve(dirname(path), start['file']) } }
      : {}
  const nested = ['variants', 'settings'].flatMap((key) => {
    const named = experiment[key]
    return isJsonObject(named) ? [[key, mapValues(named, path)] as const] : []
  })
  return { ...experiment, ...own, ...Object.fromEntries(nested) }
}
const mapValues = (named: JsonObject, path: string): JsonObject =>
  Object.fromEntries(
    Object.entries(named).map(([name, value]) => [
      name,
      isJsonObject(value) ? withAbsoluteStart(value, path) : value,
    ]),
  )

/** What was written as an object; null for a hash, null or what the schema will refuse. */
export function writtenStart(input: RunConfigInput): JsonObject | null {
  const start: JsonValue | undefined = Object.hasOwn(input, 'startFrom')
    ? input['startFrom']
    : undefined
  return isJsonObject(start) ? start : null
}

/**
 * The encoded bundle that `startFrom` names; null when it names none. `given` comes first, then the user's cache. Throws
 * `model/not-found` when the bytes are nowhere, or given and not those that are named.
 */
export async function startBytes(
  { startFrom }: Pick<RunConfig, 'startFrom'>,
  given: Uint8Array | undefined,
): Promise<Uint8Array | null> {
  if (startFrom === null) return null
  if (given !== undefined && sha256(given) === startFrom) return given
  const bytes = given === undefined ? await findBundle(startFrom as Hash) : null
  if (bytes !== null) return bytes
  const what =
    given === undefined
      ? 'is not among the bundles that are kept here'
      : `is not that of the bundle that was passed, ${sha256(given)}`
  throw new FederationError('model/not-found', `The hash ${startFrom} of startFrom ${what}`)
}
