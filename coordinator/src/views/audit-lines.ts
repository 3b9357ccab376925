import { settingsOf, staleKeys } from '#protocol/audit-settings.js'
import type { SignedReport } from '#protocol/audit-report.js'
import type { Hash } from '#protocol/ids.js'
import type { AuditLine } from '#protocol/server-views.js'
import { gateStateOf, type GateRecord } from '#coordinator/audit-gate/gate-record.js'
import { readJson } from '#coordinator/store/reachable.js'
import type { BlobStore, RunRow } from '#coordinator/store/store.js'

/** What a list says of a report, without its rows and pictures, which are most of it. */
type Brief = NonNullable<AuditLine['report']>

/** Lines of the list of audits. A report is read once. */
export class AuditLines {
  readonly #blobs: BlobStore
  /** By run and hash: the same report may be about several runs. */
  readonly #known = new Map<string, Brief>()

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /** Null for a run that asks for no audit and has no report. */
  async of(run: RunRow, gate: GateRecord): Promise<AuditLine | null> {
    const { runId, name, createdAt, config } = run
    const { decision } = gate
    if (decision === null && config.audit === undefined) return null
    return {
      ...{ runId, name, createdAt, state: gateStateOf(config, gate) },
      threshold: config.audit?.threshold ?? null,
      verdict: decision?.verdict ?? null,
      because: decision?.because ?? null,
      obstacles: [...(decision?.obstacles ?? [])],
      source: decision?.source ?? null,
      decidedAt: decision?.at ?? null,
      override: decision?.override ?? null,
      report: decision === null ? null : await this.#briefOf(run, decision.reportHash),
    }
  }

  async #briefOf({ runId, config }: RunRow, hash: Hash): Promise<Brief> {
    const key = `${runId} ${hash}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const { report } = await readJson<SignedReport>(this.#blobs, hash)
    const { name, createdAt, version, budget, rows, settings, pictures } = report
    const brief: Brief = {
      ...{ name, createdAt, version, budget },
      records: Math.max(...rows.map(({ records }) => records)),
      staleKeys: [...staleKeys(settings, settingsOf(config))],
      picturesUntil: pictures?.retainUntil ?? null,
    }
    this.#known.set(key, brief)
    return brief
  }
}
