import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { GeneratorSource } from '#protocol/audit-config.js'
import { FederationError } from '#protocol/errors.js'
import { sha256 } from '#protocol/ids.js'
import { checkedGenerator } from '#algorithms/audit/generator/check-generator.js'
import { decodeGenerator } from '#algorithms/audit/generator/generator-file.js'
import type { GeneratorParts } from '#algorithms/audit/generator/generator-blocks.js'
import type { LayeredGenerator } from '#algorithms/audit/generator/layered-generator.js'
import { tinyGenerator } from '#algorithms/audit/generator/tiny/tiny-generator.js'
import { tf } from '#algorithms/tensor/tf.js'

/** What a module of the user's own gets: TensorFlow.js as the audit uses it, because tensors of another copy do not fit. */
export interface GeneratorTools {
  readonly tf: typeof tf
}
/** What such a module exports as `openGenerator`. */
export type OpenGenerator = (tools: GeneratorTools) => GeneratorParts | Promise<GeneratorParts>

/**
 * The generator that an audit names; the caller disposes it. Call with a backend active. Paths are relative to the working
 * directory. Throws `data/not-found`, and `audit/bad-generator` for a file or a module that does not hold one.
 */
export async function openGenerator(choice: GeneratorSource): Promise<LayeredGenerator | null> {
  if (choice === null) return null
  if (choice === 'tiny') return tinyGenerator()
  if ('file' in choice) return decodeGenerator(await bytesOf(choice.file))
  return ofModule(choice.module)
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new FederationError('data/not-found', `Cannot read the generator ${path}: ${why}`, {
      cause,
    })
  }
}

/** Its hash is that of the module's text and of its weights: what the module imports itself is not in it. */
async function ofModule(path: string): Promise<LayeredGenerator> {
  const text = await bytesOf(path)
  const { openGenerator: open } = await imported(path)
  if (typeof open !== 'function') {
    throw new FederationError('audit/bad-generator', `${path} exports no function openGenerator`)
  }
  const parts = await opened(path, open as OpenGenerator)
  const { weights } = (parts ?? {}) as { readonly weights?: unknown }
  const tensors = Array.isArray(weights) ? weights.filter((one) => one instanceof tf.Tensor) : []
  const values = await Promise.all(tensors.map((tensor) => tensor.data()))
  const parted = values.map((data) =>
    sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  )
  return checkedGenerator(parts, sha256([sha256(text), ...parted].join()))
}

async function imported(path: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    throw unusable(path, cause)
  }
}

async function opened(path: string, open: OpenGenerator): Promise<unknown> {
  try {
    return await open({ tf })
  } catch (cause) {
    throw unusable(path, cause)
  }
}

const unusable = (path: string, cause: unknown): FederationError => {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new FederationError('audit/bad-generator', `${path} cannot be used: ${why}`, { cause })
}
