import { join } from 'node:path'
import { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import { isPublicKey } from '#protocol/proof.js'
import { readIfThere, writeDurably } from './durable-file.js'

const fileSchema = z.record(z.string(), z.string().refine(isPublicKey))

/**
 * The key with which the coordinator of this address signs reports of privacy audits, as it told when the node first came to
 * it: kept by origin in `<directory>/audit-keys.json`, so that another one that is told later does not count. `ask` is called
 * the first time only. Throws `store/corrupt` and what `ask` throws.
 */
export async function auditKeyOf(
  directory: string,
  url: string,
  ask: () => Promise<string>,
): Promise<string> {
  const path = join(directory, 'audit-keys.json')
  const { origin } = new URL(url)
  const all = await readAll(path)
  const known = all[origin]
  if (known !== undefined) return known
  const told = await ask()
  await writeDurably(path, `${JSON.stringify({ ...all, [origin]: told }, null, 2)}\n`)
  return told
}

async function readAll(path: string): Promise<Readonly<Record<string, string>>> {
  const bytes = await readIfThere(path)
  if (bytes === null) return {}
  try {
    return fileSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    const message = `${path} is not readable; delete it, and pass --audit-key with the key that the coordinator's administrator tells`
    throw new FederationError('store/corrupt', message, { cause })
  }
}
