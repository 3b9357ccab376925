/** A coordinator in a process of its own, for tests that try to end it. Tells its parent where it is; ends when it is told to. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exitOnFault } from '#coordinator/ops/fatal.js'
import { createLog } from '#coordinator/ops/log.js'
import { startCoordinator } from '#coordinator/server.js'
import { FakeCompute } from '#testing/fake-fleet.js'

const [dataDir = ''] = process.argv.slice(2)
const log = createLog('warn')
exitOnFault(log)
// As fast as it can: what is tested lies behind the limits.
const bucket = { burst: 1e9, perSecond: 1e9 }
const coordinator = await startCoordinator({
  ...{ dataDir, port: 0, log },
  compute: (store) => new FakeCompute(store.blobs),
  serverLimits: { messages: bucket, chunks: bucket, refusedMessages: 1e9, messagesAtOnce: 1e9 },
})
const file = await readFile(join(dataDir, 'operator.json'), 'utf8')
const { token } = JSON.parse(file) as { token: string }
process.send?.({ url: coordinator.url, people: token })
process.once('message', () => void coordinator.stop().then(() => process.disconnect()))
