import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { BACKEND_NAMES } from './backends.js'
import type { BackendChoice } from './choose-backend.js'

const backend = z.enum(BACKEND_NAMES)
const choice = z.strictObject({
  chosen: backend,
  measurements: z.array(
    z.strictObject({
      backend,
      stepMs: z.number().nullable(),
      reason: z.string().nullable(),
    }),
  ),
})
const file = z.record(z.string(), choice)
type Remembered = z.infer<typeof choice>
type Made = Pick<BackendChoice, 'chosen' | 'measurements'>

/** The choice kept under this key; null when there is none. A file that cannot be read remembers nothing: it costs a measurement. */
export function recall(path: string, key: string): Remembered | null {
  return read(path)[key] ?? null
}

/** Keeps a choice beside those that are there. Best effort: when it cannot be written, the next run measures again. */
export function remember(path: string, key: string, made: Made): void {
  const all = { ...read(path), [key]: made }
  const draft = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(draft, `${JSON.stringify(all, null, 2)}\n`)
    renameSync(draft, path)
  } catch (cause) {
    // A read-only or full disk must not keep a node from training.
    warn(`The choice of backend cannot be kept in ${path}`, cause)
  }
}

function read(path: string): Record<string, Remembered> {
  try {
    return file.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    if (!isAbsent) warn(`${path} holds no choices of backends and is not used`, cause)
    return {}
  }
}

function warn(what: string, cause: unknown): void {
  const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
  process.emitWarning(`${what}: ${why}`, 'TributaryWarning')
}
