import { resolve } from 'node:path'
import { describeIssue } from '#protocol/config-problems.js'
import type { AuditFile, GeneratorSource } from '#protocol/audit-config.js'
import type { Hash } from '#protocol/ids.js'
import { problemOf } from '#protocol/run-config.js'
import { generatorOptionsSchema } from '#algorithms/audit/generator/generator-options.js'
import type { AuditSpec } from '#algorithms/audit/run/spec.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { openGenerator } from '#simulations/audit-generators/open-generator.js'
import {
  trainedGenerator,
  type GeneratorHooks,
} from '#simulations/audit-generators/trained-generator.js'

export interface GeneratorContext {
  /** Where relative paths begin. */
  readonly directory: string
  readonly compute: AuditSpec['compute']
  readonly hooks?: GeneratorHooks
}

/** What an audit's file names, where it lies now: trained first, if need be. Throws what training throws. */
export async function presentGenerator(
  choice: AuditFile['generator'],
  { directory, compute, hooks = {} }: GeneratorContext,
): Promise<GeneratorSource> {
  if (choice === null || choice === 'tiny') return choice
  if ('file' in choice) return { file: resolve(directory, choice.file) }
  if ('module' in choice) return { module: resolve(directory, choice.module) }
  const { data, options } = choice.train
  const parsed = generatorOptionsSchema.safeParse(options, { error: describeIssue })
  if (!parsed.success) throw problemOf(parsed.error)
  const { path } = await trainedGenerator({ data, options: parsed.data, compute }, hooks)
  return { file: path }
}

/** What a specification says of it. Opens it once, on the backend of the audit, because a module's hash has its weights in it. */
export async function generatorHash(
  choice: GeneratorSource,
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
