import { readFile } from 'node:fs/promises'
import { tf } from '#algorithms/tensor/tf.js'

/** What a piece of work took of the process that did it. */
export interface ProcessUse {
  readonly pid: number
  readonly seconds: number
  /** Of processor time, all threads: other load on the machine hardly shows in it. */
  readonly cpuSeconds: number
  /** Tensors alive before and after. Work that keeps none leaves as many as it found. */
  readonly tensorsBefore: number
  readonly tensorsAfter: number
  /** Largest resident memory of the process since it started. */
  readonly peakRssBytes: number
}
/** A process that trains clients, after its share of a round. */
export interface WorkerReport extends ProcessUse {
  readonly round: number
}
export interface Measured<T> {
  readonly value: T
  readonly use: ProcessUse
}

export async function measured<T>(work: () => Promise<T>): Promise<Measured<T>> {
  const tensorsBefore = tf.memory().numTensors
  const startedAt = performance.now()
  const cpuBefore = process.cpuUsage()
  const value = await work()
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  const tensorsAfter = tf.memory().numTensors
  return {
    value,
    use: {
      ...{
        pid: process.pid,
        seconds,
        cpuSeconds: (user + system) / 1e6,
        tensorsBefore,
        tensorsAfter,
      },
      peakRssBytes: await peakRssBytes(),
    },
  }
}

/**
 * VmHWM where the kernel tells it: getrusage, the fallback, starts from the peak of the program that was in the process
 * before this one.
 */
async function peakRssBytes(): Promise<number> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS
  return Number(kilobytes) * 1024
}
