import Module, { createRequire } from 'node:module'
import { join, dirname } from 'node:path'
import util from 'node:util'
import { FederationError } from '#protocol/errors.js'
import { tf } from '#algorithms/tensor/tf.js'
import { ADDON } from './locate.js'

const require = createRequire(import.meta.url)
type Load = (request: string, ...rest: unknown[]) => unknown

/** What a package under our care gets instead of a copy of its own. */
const standIns = (): Readonly<Record<string, unknown>> => ({
  '@tensorflow/tfjs-core': require('@tensorflow/tfjs-core') as unknown,
  '@tensorflow/tfjs-backend-cpu': require('@tensorflow/tfjs-backend-cpu') as unknown,
  // The umbrella package bundles a second core whose gradients would replace ours; tfjs-node's kernels need ops only.
  '@tensorflow/tfjs': {
    ...tf,
    version: { 'tfjs-core': tf.version_core },
    CustomCallback: class {},
    registerCallbackConstructor: () => undefined,
  },
  progress: class {},
  '@mapbox/node-pre-gyp': { find: (packageJson: string) => join(dirname(packageJson), ADDON) },
})

/**
 * Requires a CommonJS package that lives outside our `node_modules` (`resolveNative`, `resolveCuda`, `resolveWebgpu`) so
 * that it uses our copy of tfjs-core: its kernels and backends register themselves in the engine that `tf` uses, and its
 * own copy, if it has one, is never read. `backend/broken` when it does not load. tfjs-node and tfjs-node-gpu register
 * the same backend name and carry one libtensorflow each: load one of them in a process, not both.
 */
export function requireWithOurCore(path: string): unknown {
  replaceLegacyUtil()
  addChainedMethods()
  const loader = Module as unknown as { _load: Load }
  const original = loader._load
  const ours = standIns()
  // The public replacement, module.registerHooks, exists from Node.js 22.15 only.
  loader._load = function (request, ...rest) {
    return Object.hasOwn(ours, request) ? ours[request] : original.call(this, request, ...rest)
  }
  try {
    return require(path) as unknown
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new FederationError('backend/broken', `${path} does not load: ${why}`, { cause })
  } finally {
    loader._load = original
  }
}

/** tfjs-node 4.22 calls two functions that later versions of Node.js warn about or no longer have. */
function replaceLegacyUtil(): void {
  const legacy = util as {
    isNullOrUndefined?: (value: unknown) => boolean
    isArray?: (value: unknown) => boolean
  }
  legacy.isNullOrUndefined = (value) => value === null || value === undefined
  legacy.isArray = Array.isArray
}

/** The methods on tensors that tfjs-node's kernels (ArgMax, ArgMin, Exp, Prelu) expect the umbrella package to have added. */
function addChainedMethods(): void {
  const methods: Record<string, (this: tf.Tensor, other: tf.Tensor) => tf.Tensor> = {
    toInt() {
      return tf.cast(this, 'int32')
    },
    toFloat() {
      return tf.cast(this, 'float32')
    },
    add(other) {
      return tf.add(this, other)
    },
    sub(other) {
      return tf.sub(this, other)
    },
    mul(other) {
      return tf.mul(this, other)
    },
  }
  for (const [name, value] of Object.entries(methods)) {
    if (name in tf.Tensor.prototype) continue
    Object.defineProperty(tf.Tensor.prototype, name, { value, configurable: true, writable: true })
  }
}
