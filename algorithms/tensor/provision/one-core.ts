import Module, { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import util from 'node:util'

const require = createRequire(import.meta.url)
const OUR_FOLDER = dirname(fileURLToPath(import.meta.url))
type Resolve = (request: string, ...rest: unknown[]) => string

/** Packages that a provisioned backend must share with us: the engine, its gradients and its registries live in them. */
const SHARED = /^@tensorflow\/(tfjs-core|tfjs-backend-cpu)(\/|$)/

/**
 * Requires a CommonJS package that lives outside our `node_modules` (from `resolveNative`, `resolveCuda`) so that it uses
 * our copy of tfjs-core: its kernels and backends register themselves in the engine that `tf` of `#algorithms/tensor/tf.js`
 * uses. Also restores two functions that Node.js 23 removed and tfjs-node 4.22 calls.
 */
export function requireWithOurCore(directory: string): unknown {
  restoreRemovedUtil()
  const loader = Module as unknown as { _resolveFilename: Resolve }
  const original = loader._resolveFilename
  // The public replacement, module.registerHooks, exists from Node.js 22.15 only.
  loader._resolveFilename = function (request, ...rest) {
    return SHARED.test(request)
      ? original.call(this, request, undefined, false, { paths: [OUR_FOLDER] })
      : original.call(this, request, ...rest)
  }
  try {
    return require(directory) as unknown
  } finally {
    loader._resolveFilename = original
  }
}

function restoreRemovedUtil(): void {
  const legacy = util as {
    isNullOrUndefined?: (value: unknown) => boolean
    isArray?: (value: unknown) => boolean
  }
  legacy.isNullOrUndefined ??= (value) => value === null || value === undefined
  legacy.isArray ??= Array.isArray
}
