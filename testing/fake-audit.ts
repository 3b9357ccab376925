/** Privacy audits that somebody made up: for tests of what is done with them. */
import type { AuditReport } from '#protocol/audit-report.js'
import { settingsOf } from '#protocol/audit-settings.js'
import type { RunConfig } from '#protocol/config-schema.js'
import { FederationError } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'
import type { AuditSession, FinishedCell } from '#coordinator/audit-gate/auditor.js'
import { madeUpAudit, OPEN, QUIET, type MadeUpRow } from './made-up-audit.js'

/** A row of a run as it is configured: what every method found, or that none found anything. */
export const rowFor = (
  config: RunConfig,
  level: 'not-demonstrated' | 'high',
  change: Partial<MadeUpRow> = {},
): MadeUpRow => ({
  ...(level === 'high' ? { methods: OPEN } : QUIET),
  updates: [...settingsOf(config).updates],
  localSteps: config.training.localEpochs,
  ...change,
})

/** What an audit of the run came to, unsigned. */
export const reportFor = async (
  config: RunConfig,
  level: 'not-demonstrated' | 'high',
  change: Partial<AuditReport> = {},
): Promise<AuditReport> =>
  (await madeUpAudit({ settings: settingsOf(config), ...change }, [rowFor(config, level)])).report

/** Audits of `cells` cells, each of which waits for `before`. */
export class FakeAudits {
  cells: readonly string[] = ['a', 'b', 'c']
  /** Keys of cells that were computed, over all sessions. */
  readonly computed: string[] = []
  /** Sessions that are open. */
  open = 0
  /** Most sessions that were ever computing at once. */
  most = 0
  readonly #computing = new Set<object>()
  /** Called in each cell; the audit ends with what it throws. */
  before: (key: string) => Promise<void> = () => Promise.resolve()
  refuse: FederationError | null = null
  report: (config: RunConfig, cells: readonly FinishedCell[]) => Promise<AuditReport> = (config) =>
    reportFor(config, 'not-demonstrated')

  readonly start = (config: RunConfig): AuditSession => {
    this.open += 1
    const self = {}
    let isOpen = true
    let kill: (error: FederationError) => void = () => undefined
    const killed = new Promise<never>((_, reject) => (kill = reject))
    killed.catch(() => undefined)
    return {
      plan: async () => {
        if (this.refuse !== null) throw this.refuse
        return { cells: this.cells.map((key) => ({ key })) }
      },
      cell: (key, onProgress): Promise<JsonObject> => {
        this.#computing.add(self)
        this.most = Math.max(this.most, this.#computing.size)
        return Promise.race([killed, this.#cell(key, onProgress)])
      },
      report: (cells) => this.report(config, cells),
      end: async () => {
        if (isOpen) this.open -= 1
        isOpen = false
        this.#computing.delete(self)
        kill(new FederationError('algorithm/failed', 'The process that computes was stopped'))
      },
    }
  }

  async #cell(key: string, onProgress: (share: number) => void): Promise<JsonObject> {
    onProgress(0.5)
    await this.before(key)
    this.computed.push(key)
    return { key }
  }
}
