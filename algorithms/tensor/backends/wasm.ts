import { createRequire } from 'node:module'
import { dirname, sep } from 'node:path'
import type { Engine } from '#protocol/record.js'
import { registerWasmKernels } from '#algorithms/tensor/wasm-kernels/register.js'
import { TFJS, activate } from './activate.js'

const PACKAGE = '@tensorflow/tfjs-backend-wasm'
let loaded = false

/** WebAssembly with SIMD where the processor has it, one thread. */
export async function activateWasm(): Promise<Engine> {
  if (!loaded) {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm')
    setWasmPaths(dirname(createRequire(import.meta.url).resolve(PACKAGE)) + sep)
    registerWasmKernels()
    loaded = true
  }
  await withoutNewListeners(() => activate('wasm', 'wasm'))
  return { backend: 'wasm', version: TFJS, threads: 1 }
}

/**
 * Emscripten's start-up code listens for uncaught errors of the whole process and throws them again, with its one line of
 * half a megabyte as the source excerpt. Errors of ours are none of its business.
 */
async function withoutNewListeners(start: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const
  const before = events.map((event) => new Set<unknown>(process.listeners(event as never)))
  await start()
  events.forEach((event, i) => {
    for (const listener of process.listeners(event as never) as ((...args: unknown[]) => void)[]) {
      if (!before[i]!.has(listener)) process.removeListener(event, listener)
    }
  })
}
