/** Finding what a configuration names. Knows no catalogue, so that entries may look things up too. */
import { FederationError } from '#protocol/errors.js'
import type { Choice, RunConfig } from '#protocol/run-config.js'
import type { Model } from '#algorithms/models/model.js'
import type { ModelEntry } from './catalogue-entry.js'

/** Throws `config/unknown-name`, with the names that there are. `kind` is what messages call the entries. */
export function named<T extends { readonly name: string }>(
  entries: readonly T[],
  name: string,
  kind: string,
): T {
  const entry = entries.find((one) => one.name === name)
  if (entry !== undefined) return entry
  const names = entries.map((one) => one.name).join(', ')
  throw new FederationError('config/unknown-name', `Unknown ${kind} ${name}; there are ${names}`)
}

/** A choice without its name: the entry's own options. */
export function optionsOf({ name: _name, ...options }: Choice): object {
  return options
}

/**
 * The model that a choice names. Throws `config/unknown-name`, `config/impossible` for options that it does not take, and
 * `model/does-not-fit` when the task's shape cannot enter it.
 */
export function modelFrom(
  entries: readonly ModelEntry[],
  choice: Choice,
  task: RunConfig['task'],
): Model {
  const entry = named(entries, choice.name, 'model')
  const options = entry.options.safeParse(optionsOf(choice))
  if (!options.success) {
    const [issue] = options.error.issues
    const key = [entry.name, ...(issue?.path ?? [])].join('.')
    throw new FederationError('config/impossible', `${key}: ${issue?.message ?? ''}`)
  }
  try {
    return entry.build(task, options.data)
  } catch (cause) {
    if (!(cause instanceof FederationError) || cause.code !== 'model/does-not-fit') throw cause
    const message = `Model ${entry.name} does not fit the task: ${cause.message}`
    throw new FederationError(cause.code, message, { cause })
  }
}
