import { readFile } from 'node:fs/promises'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import { serveCalls } from '#coordinator/compute/child-calls.js'
import type { WorkerSetup } from './client-pool.js'
import { measured } from './process-use.js'
import { createClients, type Clients } from './simulated-clients.js'

async function start(setupFile: string): Promise<Clients> {
  const setup = JSON.parse(await readFile(setupFile, 'utf8')) as WorkerSetup
  return createClients(setup, await FileBlobs.open(setup.blobDirectory, { durable: false }))
}

// Calls are served at once, so that what goes wrong at the start is the answer to the first of them.
const clients = start(process.argv[2] ?? '')
clients.catch(() => undefined)
serveCalls({
  engine: async () => (await clients).engine(),
  cards: async (...args: Parameters<Clients['cards']>) => (await clients).cards(...args),
  perform: async (...args: Parameters<Clients['perform']>) => {
    const ready = await clients
    return measured(() => ready.perform(...args))
  },
  settle: async (...args: Parameters<Clients['settle']>) => (await clients).settle(...args),
  personalModels: async (...args: Parameters<Clients['personalModels']>) =>
    (await clients).personalModels(...args),
})
