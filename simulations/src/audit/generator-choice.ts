import type { AuditFile } from '#protocol/audit-config.js'
import type { Hash } from '#protocol/ids.js'
import type { AuditSpec } from '#algorithms/audit/run/spec.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { openGenerator } from '#simulations/audit-generators/open-generator.js'

/** As an audit's file names it. */
export type GeneratorChoice = AuditFile['generator']

/** What a specification says of it. Opens it once, on the backend of the audit, because a module's hash has its weights in it. */
export async function generatorHash(
  choice: GeneratorChoice,
  { backend, threads }: AuditSpec['compute'],
): Promise<AuditSpec['generator']> {
  if (choice === null) return null
  await useBackend(backend, { threads })
  const generator = await openGenerator(choice)
  if (generator === null) return null
  const kind = choice === 'tiny' ? 'tiny' : 'file' in choice ? 'file' : 'module'
  const hash = generator.hash as Hash
  generator.dispose()
  return { kind, hash }
}
