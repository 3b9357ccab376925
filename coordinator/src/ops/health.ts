import { statfs } from 'node:fs/promises'
import type { Store } from '#coordinator/store/store.js'

/** Below this the disk may be full before anyone looks; work is still accepted, and writes fail cleanly when it is. */
const LOW_BYTES = 256 * 2 ** 20
/** A store that has not answered a small question by then does not answer. */
const STORE_MS = 5_000

export interface Check {
  readonly name: 'started' | 'accepting' | 'store' | 'disk'
  readonly ok: boolean
  readonly detail?: string
}
export interface HealthParts {
  readonly store: Pick<Store, 'head'>
  readonly dataDir: string
  readonly isStarted: () => boolean
  readonly isDraining: () => boolean
  readonly storeMs?: number
}

/** Bytes that the data directory's file system has left for this process. */
export async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}

/** Whether the coordinator should be sent work: what `/readyz` answers. */
export async function checkReadiness(parts: HealthParts): Promise<readonly Check[]> {
  return [
    { name: 'started', ok: parts.isStarted() },
    { name: 'accepting', ok: !parts.isDraining() },
    await checked('store', () => answers(parts)),
    await checked('disk', async () => {
      const free = await freeBytes(parts.dataDir)
      return free >= LOW_BYTES ? null : `${Math.floor(free / 2 ** 20)} MiB are left`
    }),
  ]
}

/** The run of no one: a question that costs nothing. */
async function answers({ store, storeMs = STORE_MS }: HealthParts): Promise<string | null> {
  const late = AbortSignal.timeout(storeMs)
  const silence = new Promise<string>((resolve) => {
    late.addEventListener('abort', () => resolve(`No answer in ${storeMs} ms`))
  })
  return Promise.race([store.head('run-000000000000' as never).then(() => null), silence])
}

/** `look` resolves with what is wrong; what it throws is for the log of whoever threw it, not for a page that anyone may read. */
async function checked(name: Check['name'], look: () => Promise<string | null>): Promise<Check> {
  try {
    const problem = await look()
    return problem === null ? { name, ok: true } : { name, ok: false, detail: problem }
  } catch {
    return { name, ok: false, detail: 'It failed' }
  }
}
