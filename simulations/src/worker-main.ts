import { readFile } from 'node:fs/promises'
import { FileBlobs } from '#coordinator/store/file-blobs.js'
import { serveCalls } from '#coordinator/compute/child-calls.js'
import { createClients } from './simulated-clients.js'
import type { WorkerSetup } from './client-pool.js'

const setup = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as WorkerSetup
const blobs = await FileBlobs.open(setup.blobDirectory, { durable: false })
const clients = await createClients(setup, blobs)
serveCalls({
  engine: clients.engine.bind(clients),
  cards: clients.cards.bind(clients),
  perform: clients.perform.bind(clients),
  settle: clients.settle.bind(clients),
})
