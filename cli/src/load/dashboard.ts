import { FederationError } from '#protocol/errors.js'
import { describeMachine } from '#simulations/benchmarks/machine.js'
import type { Session } from '../command.js'
import { Arena } from './arena.js'
import type { DashboardReport, DashboardSetting } from './dashboard-page.js'
import { allAsked } from './ingest.js'
import { WatchedPage, type PageSample } from './watched-page.js'

const MINUTE_MS = 60_000
const UPDATE_BYTES = 5000
const OTHER_CONNECTIONS = 1000
/** More rounds than there is time for. */
const ROUNDS = 100_000
/** The coordinator scores every model on pictures of its own, so that there are curves. */
const CLASSES = ['0', '1']
const EVALUATION = {
  central: { name: 'synthetic', path: 'blobs:count=300:classes=2:features=256' },
}

/** A run of many nodes, and its page open in Chromium meanwhile. Throws `benchmark/no-browser`. */
export async function measureDashboard(
  session: Session,
  setting: DashboardSetting,
): Promise<DashboardReport> {
  const machine = await describeMachine()
  const watched = await WatchedPage.open()
  const arenas: Arena[] = []
  const end = async (): Promise<void> => {
    await Promise.all(arenas.splice(0).map((arena) => arena.close()))
  }
  const interrupt = (): void => void end()
  session.signal.addEventListener('abort', interrupt, { once: true })
  try {
    session.out.say(`dashboard: enrolling ${setting.clients} nodes, starting a coordinator`)
    const connectionsPerAddress = OTHER_CONNECTIONS + setting.clients
    const arena = await Arena.open({ nodes: setting.clients, connectionsPerAddress })
    arenas.push(arena)
    return { setting, machine, ...(await work(session, { arena, watched, setting })) }
  } finally {
    session.signal.removeEventListener('abort', interrupt)
    await watched.close()
    await end()
  }
}

interface Scene {
  readonly arena: Arena
  readonly watched: WatchedPage
  readonly setting: DashboardSetting
}

async function work(
  { out }: Session,
  scene: Scene,
): Promise<Omit<DashboardReport, 'setting' | 'machine'>> {
  const { arena, watched, setting } = scene
  const { page } = watched
  await connectAll(scene)
  const change = { name: 'Benchmark', evaluation: EVALUATION }
  const about = { updateBytes: UPDATE_BYTES, rounds: ROUNDS, deadlineSeconds: 600 }
  const runId = await arena.startRun({ ...about, classes: CLASSES, change })
  await signIn(scene)
  const firstLoadBytes = await watched.firstLoad(`${arena.url}/runs`, () =>
    page.getByRole('link', { name: 'Benchmark' }).waitFor(),
  )
  await page.goto(`${arena.url}/runs/${runId}?tab=${setting.tab}`)
  await page.getByRole('heading', { name: 'Benchmark' }).waitFor()
  await watched.begin()
  const samples: PageSample[] = [await watched.sample()]
  const endMs = performance.now() + setting.minutes * MINUTE_MS
  let roundsClosed = 0
  while (performance.now() < endMs) {
    await sendRound(scene, { runId, round: roundsClosed + 1 })
    roundsClosed += 1
    const { minutes } = samples.at(-1) ?? { minutes: 0 }
    if (watched.minutes < minutes + 1) continue
    const sample = await watched.sample()
    samples.push(sample)
    out.say(
      `dashboard: minute ${sample.minutes.toFixed(1)}, ${roundsClosed} rounds, ${sample.domNodes} DOM nodes`,
    )
  }
  return { firstLoadBytes, roundsClosed, samples, frames: watched.frames }
}

async function connectAll({ arena, setting: { clients } }: Scene): Promise<void> {
  const identities = arena.identities.map((one) => ({ ...one, classes: CLASSES }))
  await arena.generator.connect({ url: arena.url, identities, rate: 100, withinSeconds: 120 })
  const { connected } = await arena.generator.standing()
  if (connected === clients) return
  throw new FederationError('algorithm/failed', `Only ${connected} of ${clients} nodes connected`)
}

/** As somebody who looks, and no more. */
async function signIn({ arena, watched: { page } }: Scene): Promise<void> {
  const api = await arena.api()
  const body = { name: 'benchmark', role: 'viewer' }
  const { code } = await api.call('POST /api/users', { body })
  await page.goto(`${arena.url}/#code=${encodeURIComponent(code)}`)
  await page.getByRole('button', { name: 'Sign in this once' }).click()
  await page.getByRole('navigation', { name: 'Main' }).waitFor()
}

async function sendRound(
  { arena, setting: { clients, rate } }: Scene,
  { runId, round }: { readonly runId: string; readonly round: number },
): Promise<void> {
  await allAsked(arena, { runId, count: clients, withinSeconds: 600 })
  await arena.generator.send({ runId, rate, seed: round, tellsLoss: true })
}
