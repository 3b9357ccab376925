/** From what people pass to `audit run` to the specification of an audit. */
import { readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  auditFileSchema,
  auditGate,
  type AuditBudgetName,
  type AuditData,
  type AuditFile,
  type GeneratorSource,
} from '#protocol/audit-config.js'
import { describeIssue } from '#protocol/config-problems.js'
import { FederationError } from '#protocol/errors.js'
import { isJsonObject, type JsonObject } from '#protocol/json.js'
import { problemOf, type ComputeConfig, type RunConfig } from '#protocol/run-config.js'
import type { RunConfigInput } from '#protocol/run-config.js'
import { openSource } from '#data/index.js'
import { openSpec } from '#algorithms/audit/run/open-spec.js'
import type { AuditSpec } from '#algorithms/audit/run/spec.js'
import type { BackendName } from '#algorithms/tensor/backends.js'
import type { BackendChoice } from '#algorithms/tensor/choose-backend.js'
import { gateSpec } from '#coordinator/audit-gate/gate-spec.js'
import type { GeneratorHooks } from '#simulations/audit-generators/trained-generator.js'
import { completeInput, loadExperiment, overridden, readObject } from '#simulations/experiments.js'
import { pinBackend } from '#simulations/pin-backend.js'
import { startBytes, withAbsoluteStart, type StartOf } from '#simulations/start-from.js'
import { generatorHash, presentGenerator } from './generator-choice.js'

/** What the command line says beside the file. */
export interface OpenAuditOptions {
  /** `key.path=value` of the file. */
  readonly overrides?: readonly string[]
  readonly budget?: AuditBudgetName
  readonly backend?: ComputeConfig['backend']
  readonly startOf?: StartOf
  readonly onBackend?: (choice: BackendChoice) => void
  /** Where the audit's generator is to be trained first. */
  readonly generator?: GeneratorHooks
}

/** An audit that is ready to be run. */
export interface OpenAudit {
  readonly spec: AuditSpec
  /** With absolute paths. */
  readonly generator: GeneratorSource
  /** Encoded bundle that the run starts from. */
  readonly start: Uint8Array | null
}

/** `simulations/audits` of the package: beside the sources, and beside `dist` in a build. */
function auditsDirectory(): string {
  const isBuilt = import.meta.url.includes('/dist/')
  return fileURLToPath(
    new URL(isBuilt ? '../../../../simulations/audits/' : '../../audits/', import.meta.url),
  )
}

/** Names of the audits that are shipped. */
export async function listAudits(): Promise<readonly string[]> {
  const files = await readdir(auditsDirectory())
  return files
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort()
}

/** A file of the user's, or else a shipped audit, with or without `.json`. Throws `config/unknown-name`. */
async function pathOf(nameOrPath: string): Promise<string> {
  if (await isFile(nameOrPath)) return resolve(nameOrPath)
  const name = nameOrPath.replace(/\.json$/, '')
  const names = await listAudits()
  if (names.includes(name)) return join(auditsDirectory(), `${name}.json`)
  throw new FederationError(
    'config/unknown-name',
    `There is no file ${nameOrPath}, and no shipped audit of that name; there are ${names.join(', ')}`,
  )
}
const isFile = async (path: string): Promise<boolean> => {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

/**
 * The audit in a file: one of its own, or a run configuration, which is audited on canaries as the coordinator would. Throws
 * what reading and completing configurations throws, and what `openSpec` throws.
 */
export async function openAudit(
  nameOrPath: string,
  options: OpenAuditOptions = {},
): Promise<OpenAudit> {
  const path = await pathOf(nameOrPath)
  const input = overridden(await readObject(path), options.overrides ?? [])
  return 'run' in input ? ofFile(input, path, options) : ofRun(input, path, options)
}

/** The run that a file is about: an audit's, or the file itself. Nothing is measured or trained for it but its start. */
export async function runIn(
  nameOrPath: string,
  overrides: readonly string[] = [],
): Promise<RunConfig> {
  const path = await pathOf(nameOrPath).catch(() => null)
  if (path === null) return loadExperiment(nameOrPath, overrides)
  const input = overridden(await readObject(path), overrides)
  if (!('run' in input)) return loadExperiment(path, overrides)
  return completeInput(await runOfFile(parseAuditFile(input), input, path))
}

async function runOfFile(
  file: AuditFile,
  input: JsonObject,
  path: string,
): Promise<RunConfigInput> {
  const written = withAbsoluteStart(input['run'] as JsonObject, path)
  return 'task' in written ? written : { ...written, task: await taskOf(file) }
}

async function ofRun(
  input: JsonObject,
  path: string,
  options: OpenAuditOptions,
): Promise<OpenAudit> {
  const run = await completeRun(withAbsoluteStart(input, path), options)
  const gate = auditGate.parse({
    ...run.audit,
    ...(options.budget === undefined ? {} : { budget: options.budget }),
  })
  const spec = await gateSpec(run, gate)
  return { spec, generator: null, start: await startBytes(run, undefined) }
}

async function ofFile(
  input: JsonObject,
  path: string,
  options: OpenAuditOptions,
): Promise<OpenAudit> {
  const file = parseAuditFile(input, options.budget)
  const run = await completeRun(await runOfFile(file, input, path), options)
  const { backend, threads } = run.compute
  const compute = { backend: backend as BackendName, threads }
  const generator = await presentGenerator(file.generator, {
    ...{ directory: dirname(path), compute },
    ...(options.generator === undefined ? {} : { hooks: options.generator }),
  })
  const spec = await openSpec(file, {
    ...{ run, compute, records: file.records.data },
    auxiliary: file.auxiliary ?? rest(file.records.data),
    generator: await generatorHash(generator, compute),
  })
  return { spec, generator, start: await startBytes(run, undefined) }
}

/** Throws `config/invalid` with all problems. */
export function parseAuditFile(input: unknown, budget?: AuditBudgetName): AuditFile {
  const withBudget = isJsonObject(input) && budget !== undefined ? { ...input, budget } : input
  const parsed = auditFileSchema.safeParse(withBudget, { error: describeIssue })
  if (parsed.success) return parsed.data
  throw problemOf(parsed.error)
}

async function completeRun(
  input: RunConfigInput,
  { backend, startOf, onBackend }: OpenAuditOptions,
): Promise<RunConfig> {
  const config = await completeInput(input, startOf === undefined ? {} : { startOf })
  const { compute } = config
  const asked = backend === undefined ? config : { ...config, compute: { ...compute, backend } }
  return pinBackend(asked, onBackend)
}

/** Of the audited records. */
async function taskOf({ records }: AuditFile): Promise<JsonObject> {
  const { share: _share, ...source } = records.data
  const { inputShape, classes } = await openSource(source)
  return { inputShape: [...inputShape], classes: [...classes] }
}

/** The larger part of the same data that is not audited. */
function rest(data: AuditData): AuditData {
  const [from, to] = data.share
  if (from === 0 && to === 1) {
    throw new FederationError(
      'config/impossible',
      'records.data.share takes all of the data, so there is nothing left for controls; make it smaller, or name other data in auxiliary',
    )
  }
  return { ...data, share: from > 1 - to ? [0, from] : [to, 1] }
}
