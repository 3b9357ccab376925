import type { GeneratorSource } from '#protocol/audit-config.js'
import type { Engine } from '#protocol/record.js'
import type { CellResult } from '#algorithms/audit/run/cell-result.js'
import type { AuditCell } from '#algorithms/audit/run/cells.js'
import { runCell } from '#algorithms/audit/run/run-cell.js'
import type { AuditSpec } from '#algorithms/audit/run/spec.js'
import type { CellProgress, PictureEncoder } from '#algorithms/audit/run/watch.js'
import {
  factsOf,
  openWorld,
  type AuditWorld,
  type WorldFacts,
} from '#algorithms/audit/run/world.js'
import { useBackend } from '#algorithms/tensor/backends.js'
import { openGenerator } from '#simulations/audit-generators/open-generator.js'
import { pictureUrl } from '#simulations/audit-report/picture-png.js'

/** What a process that computes cells is told, once: plain values. */
export interface RunnerSetup {
  readonly spec: AuditSpec
  readonly generator: GeneratorSource
  readonly start: Uint8Array | null
  readonly withPictures: boolean
}

/** What all cells of an audit have in common, for its report. */
export interface RunnerFacts {
  readonly engine: Engine
  readonly facts: WorldFacts
}

/** Computes cells, here or in another process. */
export interface CellRunner {
  facts(): Promise<RunnerFacts>
  /** `signal` ends it after the iteration in hand. */
  cell(
    cell: AuditCell,
    onProgress: (progress: CellProgress) => void,
    signal?: AbortSignal,
  ): Promise<CellResult>
  stop(): Promise<void>
}

interface Opened {
  readonly world: AuditWorld
  readonly engine: Engine
}

/** In this process. Cells are computed one at a time: the tensor library has one backend. */
export function runnerHere({ spec, generator, start, withPictures }: RunnerSetup): CellRunner {
  let opened: Promise<Opened> | null = null
  let working: Promise<unknown> = Promise.resolve()
  const open = async (): Promise<Opened> => {
    const { backend, threads } = spec.compute
    const engine = await useBackend(backend, { threads })
    const parts = { generator: await openGenerator(generator), start }
    return { engine, world: await openWorld(spec, parts) }
  }
  const ready = (): Promise<Opened> => (opened ??= open())
  return {
    async facts() {
      const { engine, world } = await ready()
      return { engine, facts: factsOf(spec, world) }
    },
    async cell(cell, onProgress, signal) {
      const { world } = await ready()
      const result = runCell({ spec, world }, cell, {
        ...{ now: () => performance.now(), onProgress },
        ...(signal === undefined ? {} : { signal }),
        ...(withPictures ? { picture: png } : {}),
      })
      working = result.catch(() => undefined)
      return result
    },
    async stop() {
      await working
      ;(await opened)?.world.dispose()
    },
  }
}

const png: PictureEncoder = (pixels, [height = 1, width = 1, channels = 1]) =>
  pictureUrl(pixels, { height, width, channels })
