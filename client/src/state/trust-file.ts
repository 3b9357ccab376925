import { join } from 'node:path'
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import { trustCoordinator, type Trust } from '#client/transport/trust.js'
import { readIfThere, writeDurably } from './durable-file.js'

const fileSchema = z.record(
  z.string(),
  z.strictObject({
    fingerprints: z.array(z.string()).exactOptional(),
    ca: z.string().exactOptional(),
  }),
)

/**
 * Trusts the coordinator as told now, else as told an earlier time: what certificate each may show is kept by origin in
 * `<directory>/trust.json`. Resolves with how to keep what was told, once it has proven good. Throws `usage/bad-value`.
 */
export async function useTrust(
  directory: string,
  url: string,
  told: Trust | undefined,
): Promise<() => Promise<void>> {
  const { origin } = new URL(url)
  trustCoordinator(url, told ?? (await readAll(directory))[origin] ?? {})
  return async () => {
    if (told !== undefined) await save(directory, origin, told)
  }
}

async function save(directory: string, origin: string, trust: Trust): Promise<void> {
  const all = { ...(await readAll(directory)), [origin]: trust }
  await writeDurably(pathIn(directory), `${JSON.stringify(all, null, 2)}\n`)
}

const pathIn = (directory: string): string => join(directory, 'trust.json')

async function readAll(directory: string): Promise<Readonly<Record<string, Trust>>> {
  const bytes = await readIfThere(pathIn(directory))
  if (bytes === null) return {}
  try {
    return fileSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    const message = `${pathIn(directory)} is not readable; delete it and pass --fingerprint or --ca again`
    throw new FederationError('store/corrupt', message, { cause })
  }
}
