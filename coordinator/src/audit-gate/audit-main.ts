/** The process of one privacy audit: cells one by one, nothing kept. The only place of the coordinator that attacks updates. */
import { auditGate } from '#protocol/audit-config.js'
import type { AuditReport } from '#protocol/audit-report.js'
import { FederationError } from '#protocol/errors.js'
import type { Hash } from '#protocol/ids.js'
import type { Engine } from '#protocol/record.js'
import type { RunConfig } from '#protocol/run-config.js'
import { openSource } from '#data/index.js'
import { cellResultSchema, type CellResult } from '#algorithms/audit/run/cell-result.js'
import { cellsOf } from '#algorithms/audit/run/cells.js'
import { reportOf } from '#algorithms/audit/run/report.js'
import { runCell } from '#algorithms/audit/run/run-cell.js'
import { rowConfig, type AuditSpec } from '#algorithms/audit/run/spec.js'
import { factsOf, openWorld, type AuditWorld } from '#algorithms/audit/run/world.js'
import { assertAuditable } from '#algorithms/audit/target/auditable.js'
import { hardwareText } from '#algorithms/tensor/hardware.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { serveCalls, tellParent } from '#coordinator/compute/child-calls.js'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import type { AuditPlan, FinishedCell } from './auditor.js'
import { gateSpec } from './gate-spec.js'

const blobs = await FileBlobs.open(process.argv[2] ?? '.')
/** Often enough for people, rarely enough to cost nothing. */
const TELL_EVERY_MS = 500

interface Opened {
  readonly spec: AuditSpec
  readonly world: AuditWorld
  readonly engine: Engine
}
let known: Promise<AuditSpec> | null = null
let opened: Promise<Opened> | null = null

async function specOf(config: RunConfig): Promise<AuditSpec> {
  if (config.audit === undefined)
    throw new FederationError('internal/bug', 'This run asks for no audit')
  return gateSpec(config, auditGate.parse(config.audit))
}

/** A process audits one run, whose records are read for the specification and then for the world. */
const specFor = (config: RunConfig): Promise<AuditSpec> => (known ??= specOf(config))
const openedFor = (config: RunConfig): Promise<Opened> => (opened ??= open(config))

async function open(config: RunConfig): Promise<Opened> {
  const spec = await specFor(config)
  const { backend, threads } = spec.compute
  const engine = await useBackend(backend, { threads })
  const { startFrom } = spec.run
  const start = startFrom === null ? null : await blobs.get(startFrom as Hash)
  return { spec, engine, world: await openWorld(spec, { generator: null, start }) }
}

/** Without a world: before a run is stored, only whether it could be audited counts, and whether its records can be read. */
async function plan(config: RunConfig): Promise<AuditPlan> {
  const spec = await specFor(config)
  const { backend, threads } = spec.compute
  await useBackend(backend, { threads })
  for (const row of spec.rows) {
    const { batchSize: records, clients, approximation } = row
    await assertAuditable(rowConfig(spec, row), { records, clients, approximation })
  }
  // Those with a hash were read for it.
  for (const { hash, ...source } of [spec.records.data, spec.auxiliary])
    if (hash === null) await openSource(source)
  return { cells: cellsOf(spec).map(({ key }) => ({ key })) }
}

async function cell(config: RunConfig, key: string): Promise<CellResult> {
  const { spec, world } = await openedFor(config)
  const found = cellsOf(spec).find((one) => one.key === key)
  if (found === undefined) throw new FederationError('internal/bug', `There is no cell ${key}`)
  let toldAt = -Infinity
  return runCell({ spec, world }, found, {
    now: () => performance.now(),
    onProgress: ({ done, total }) => {
      if (performance.now() - toldAt < TELL_EVERY_MS) return
      toldAt = performance.now()
      tellParent({ share: done / total })
    },
  })
}

async function report(
  config: RunConfig,
  { cells, createdAt }: { readonly cells: readonly FinishedCell[]; readonly createdAt: string },
): Promise<AuditReport> {
  const { spec, world, engine } = await openedFor(config)
  const results = cells.map(({ result }) => cellResultSchema.parse(result))
  return reportOf(spec, results, {
    ...{ createdAt, engine, hardware: hardwareText(), facts: factsOf(spec, world) },
    seconds: cells.reduce((sum, one) => sum + one.seconds, 0),
    utility: new Map(),
    retainUntil: null,
  })
}

serveCalls({ plan, cell, report })
