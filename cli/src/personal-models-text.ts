import type { Hash } from '#protocol/ids.js'
import type { PersonalModelFile } from '#simulations/personal-models.js'
import type { Output } from './output.js'

/** Whose model is whose: nothing without `--personal-models`. */
export function printPersonalModels(
  out: Output,
  models: readonly PersonalModelFile[] | undefined,
): void {
  if (models === undefined) return
  const rows = models.map(({ slot, name, hash, model }) => [
    String(slot),
    name,
    hash ?? '– (never trained)',
    model ?? '–',
  ])
  out.table(['slot', 'client', 'SHA-256 of its own params', 'file'], rows)
}

/** The same for scripts: empty without `--personal-models`. */
export const personalModelsJson = (
  models: readonly PersonalModelFile[] | undefined,
): {
  readonly personalModels?: readonly {
    readonly slot: number
    readonly name: string
    readonly hash: Hash | null
    readonly model: string | null
  }[]
} => (models === undefined ? {} : { personalModels: models.map((one) => ({ ...one })) })
