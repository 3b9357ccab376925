import type { OperationsView } from '#protocol/server-views.js'
import { VERSION } from '#protocol/version.js'
import { LogWatch } from '#coordinator/audit/log-watch.js'
import type { Clock } from '#coordinator/clock.js'
import type { Store } from '#coordinator/store/store.js'
import { DirectorySize } from './directory-size.js'
import { freeBytes } from './health.js'
import type { Operations } from './operations.js'
import { SAMPLE_SECONDS, Samples, type Measured } from './samples.js'

export interface ObserverOptions {
  readonly ops: Pick<Operations, 'connections' | 'uploads'>
  readonly store: Pick<Store, 'audits' | 'runs' | 'head'>
  readonly dataDir: string
  readonly nodesOnline: () => number
  readonly clock: Clock
  /** Told when there is a new sample. */
  readonly onSample?: () => void
}

/** How the coordinator does: for administrators. */
export class Observer {
  readonly #options: ObserverOptions
  readonly #startedAt: string
  readonly #samples: Samples
  readonly #size: DirectorySize
  readonly #log: LogWatch

  constructor(options: ObserverOptions) {
    const { clock, dataDir, store, onSample } = options
    this.#options = options
    this.#startedAt = clock.timestamp()
    this.#size = new DirectorySize(dataDir, clock)
    this.#log = new LogWatch({ store, clock })
    const measure = (): Promise<Measured> => this.#measure()
    this.#samples = new Samples({ clock, measure, ...(onSample && { onSample }) })
  }

  start(): void {
    this.#samples.start()
  }
  stop(): void {
    this.#samples.stop()
  }

  async view(): Promise<OperationsView> {
    const { entries, head, unfinished, fault } = await this.#log.look()
    return {
      ...{ version: VERSION, startedAt: this.#startedAt, everySeconds: SAMPLE_SECONDS },
      now: await this.#samples.now(),
      samples: [...this.#samples.all],
      log: { entries, head, unfinished: [...unfinished], fault },
    }
  }

  async #measure(): Promise<Measured> {
    const { ops, dataDir, nodesOnline } = this.#options
    return {
      storeBytes: this.#size.look(),
      freeBytes: await freeBytes(dataDir),
      connections: ops.connections.open,
      nodesOnline: nodesOnline(),
      uploadsActive: ops.uploads.active,
      uploadsWaiting: ops.uploads.waiting,
    }
  }
}
