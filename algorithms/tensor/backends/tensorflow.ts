import { availableParallelism } from 'node:os'
import type { Engine } from '#protocol/record.js'
import { FederationError, asFederationError } from '#protocol/errors.js'
import { registerClosedGradients } from '#algorithms/tensor/gradients/register.js'
import {
  requireWithOurCore,
  resolveCuda,
  resolveNative,
} from '#algorithms/tensor/provision/index.js'
import { tf } from '#algorithms/tensor/tf.js'
import { TFJS, activate } from './activate.js'

type TensorflowName = 'native' | 'cuda'
interface TensorflowBackend {
  readonly binding: { readonly TF_Version: string }
  readonly isUsingGpuDevice: boolean
}

/** libtensorflow reads its settings once: the process keeps what it loaded first. */
let loaded: { readonly name: TensorflowName; readonly threads: number } | null = null

/** `@tensorflow/tfjs-node` (native) or `-gpu` (cuda) on the libtensorflow that `tributary doctor --install` put in place. */
export async function activateTensorflow(name: TensorflowName, wanted?: number): Promise<Engine> {
  const threads = wanted ?? loaded?.threads ?? availableParallelism()
  if (loaded === null) {
    load(name, threads)
    loaded = { name, threads }
  } else if (loaded.name !== name || loaded.threads !== threads) {
    throw new FederationError(
      'backend/broken',
      `This process runs ${loaded.name} with ${loaded.threads} threads and cannot change to ${name} with ${threads}; start a new process`,
    )
  }
  await activate('tensorflow', name)
  const backend = tf.backend() as unknown as TensorflowBackend
  if (name === 'cuda' && !backend.isUsingGpuDevice) {
    throw new FederationError(
      'backend/missing',
      'The cuda backend loads, but TensorFlow finds no GPU: check the NVIDIA driver (nvidia-smi), or choose native or wasm',
    )
  }
  const libtensorflow = backend.binding.TF_Version
  repairRound(libtensorflow)
  return { backend: name, version: `${TFJS}, TensorFlow ${libtensorflow}`, threads }
}

function load(name: TensorflowName, threads: number): void {
  const directory = name === 'native' ? resolveNative() : resolveCuda()
  if (directory === null) {
    throw new FederationError(
      'backend/missing',
      `The ${name} backend is not installed on this machine; run: tributary doctor --install ${name}, or choose wasm`,
    )
  }
  configure(threads)
  try {
    requireWithOurCore(directory)
    // The package brings the gradient rules of TensorFlow.js along, over ours.
    registerClosedGradients()
  } catch (error) {
    const reason = asFederationError(error).message
    throw new FederationError(
      'backend/broken',
      `The ${name} backend in ${directory} does not load (${reason}); run: tributary doctor --install ${name}`,
      { cause: error },
    )
  }
}

/** What libtensorflow takes from its environment, before it is loaded. What the user set stays. */
function configure(threads: number): void {
  const env = process.env
  env.TF_CPP_MIN_LOG_LEVEL ??= '2'
  // Else the first process takes nearly all memory of the GPU.
  env.TF_FORCE_GPU_ALLOW_GROWTH ??= 'true'
  env.TF_NUM_INTRAOP_THREADS = String(threads)
  env.TF_NUM_INTEROP_THREADS = '1'
  env.OMP_NUM_THREADS = String(threads)
}

/** From 2.17 on, TensorFlow's `round` of int32 yields zeros; integers are round already. */
function repairRound(libtensorflow: string): void {
  const [major = 0, minor = 0] = libtensorflow.split('.').map(Number)
  if (major < 2 || (major === 2 && minor < 17)) return
  const original = tf.getKernel(tf.Round, 'tensorflow')
  const identity = tf.getKernel(tf.Identity, 'tensorflow')
  if (original === undefined || identity === undefined || repaired.has(original)) return
  const kernelFunc: tf.KernelFunc = (call) =>
    (call.inputs.x?.dtype === 'int32' ? identity : original).kernelFunc(call)
  const config = { ...original, kernelFunc }
  tf.unregisterKernel(tf.Round, 'tensorflow')
  tf.registerKernel(config)
  repaired.add(config)
}
const repaired = new WeakSet<object>()
