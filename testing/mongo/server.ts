import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const PROGRAM = join(import.meta.dirname, '../../.tributary/mongo/bin/secantusd-py')
/** Points the suite at a server that somebody else started: any database of it may be written. */
const OWN_URL = process.env['TRIBUTARY_MONGO_URL'] ?? ''

/** Why there is nothing to test against here; null: there is. In CI it is never skipped. */
export const mongoAbsence: string | null =
  OWN_URL !== '' || existsSync(PROGRAM) || process.env['TRIBUTARY_REQUIRE_MONGO'] === '1'
    ? null
    : 'no MongoDB server: run node scripts/ensure-mongo.mjs, or set TRIBUTARY_MONGO_URL'

export interface MongoServer {
  /** Of a database that nobody else uses, new at every call. */
  url(): string
  /** Only of a server that this process started. */
  readonly process: ChildProcess | null
  /** Ends it as a power cut would, and starts it again on the same data and port. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A server of its own in a new directory, or the one that `TRIBUTARY_MONGO_URL` names. */
export async function startMongo(): Promise<MongoServer> {
  if (OWN_URL !== '') return foreignServer()
  const root = await mkdtemp(join(tmpdir(), 'tributary-mongo-'))
  await writeFile(join(root, 'empty.toml'), '')
  let [child, port] = await start(root, 0)
  return {
    url: () => databaseOf(`mongodb://127.0.0.1:${port}`),
    get process() {
      return child
    },
    restart: async () => {
      await end(child, 'SIGKILL')
      ;[child, port] = await start(root, port)
    },
    stop: async () => {
      await end(child, 'SIGKILL')
      await rm(root, { recursive: true, force: true })
    },
  }
}

function foreignServer(): MongoServer {
  return {
    url: () => databaseOf(OWN_URL),
    process: null,
    restart: () => Promise.reject(new Error('A server of somebody else is not restarted')),
    stop: () => Promise.resolve(),
  }
}

/** The URL with another database: what is between the host and the question mark. */
function databaseOf(url: string): string {
  const [base = '', query] = url.split('?')
  const host = /^[^/]+\/\/[^/]+/.exec(base)?.[0] ?? base
  const name = `tributary_test_${randomBytes(6).toString('hex')}`
  return `${host}/${name}${query === undefined ? '' : `?${query}`}`
}

async function start(root: string, port: number): Promise<[ChildProcess, number]> {
  const child = spawn(
    PROGRAM,
    [
      ...['--config', join(root, 'empty.toml'), '--host', '127.0.0.1', '--port', String(port)],
      ...['--storage-path', join(root, 'data'), '--sync-on-commit', '--log-level', 'INFO'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const told: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    told.push(line)
    const found = /listening on 127\.0\.0\.1:(\d+)/.exec(line)
    if (found !== null) {
      child.stderr.resume()
      return [child, Number(found[1])]
    }
  }
  throw new Error(`The MongoDB server did not start:\n${told.join('\n')}`)
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}
