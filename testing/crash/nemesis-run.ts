/**
 * A federation of five nodes and a coordinator on which everything goes wrong at random instants: it is killed, stopped and
 * continued, its clock is set, and its lines are slow, cut and half closed. What was seen is judged as in the matrix.
 */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { openStore } from '#coordinator/store/open-store.js'
import { createApi } from '#cli/api.js'
import { readJson, start, tributary, type Running } from '../e2e/harness.js'
import { lookAfterwards } from './afterwards.js'
import { fingerprintOf, History, judge, type Exclusion, type Fingerprint } from './history.js'
import type { Verdict } from './history.js'
import { planOf, type LifePlan, type Mischief } from './nemesis-plan.js'
import { NemesisProxy } from './nemesis-proxy.js'
import { prepareFederation, type Durability, type Federation } from './prepare.js'
import { SyntheticNode } from './synthetic-node.js'

export interface CampaignOptions {
  readonly seed: number
  /** Which one of that seed. */
  readonly campaign: number
  readonly rounds: number
  readonly durability: Durability
  /** Kills at most; after that nothing goes wrong any more. */
  readonly kills: number
  readonly longestStopMs: number
  readonly golden: Fingerprint | null
  readonly storeUrl?: string | undefined
}
export interface CampaignResult extends Verdict {
  readonly campaign: number
  readonly store: 'sqlite' | 'mongodb'
  readonly durability: Durability
  readonly kills: number
  /** How often what else went wrong. */
  readonly mischief: Readonly<Record<string, number>>
  readonly fingerprint: Fingerprint
}

const CLOCK = fileURLToPath(new URL('nemesis-clock.mjs', import.meta.url))
const RETRY_MS = 50
/** The last life has no plan and ends with the run; it is asked, for a node may miss that. */
const ASK_MS = 250
/** More than any campaign needs: a run that never ends must say so. */
const MOST_LIVES = 400

export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { durability, storeUrl, rounds } = options
  const federation = await prepareFederation(durability, storeUrl, rounds)
  const proxy = await NemesisProxy.open()
  try {
    return await new Campaign(options, federation, proxy).run()
  } finally {
    await proxy.close()
    await rm(federation.directory, { recursive: true, force: true })
  }
}

class Campaign {
  readonly #history = new History()
  readonly #nodes: readonly SyntheticNode[]
  readonly #mischief = new Map<string, number>()
  #kills = 0
  #isOver = false

  constructor(
    readonly options: CampaignOptions,
    readonly federation: Federation,
    readonly proxy: NemesisProxy,
  ) {
    this.#nodes = federation.members.map(
      ({ name, identity }) => new SyntheticNode(name, identity, this.#history),
    )
  }

  async run(): Promise<CampaignResult> {
    const { durability, golden, campaign, kills, storeUrl } = this.options
    const heard = Promise.all(this.#nodes.map((node) => this.#serve(node)))
    let exclusion: Exclusion | null = null
    for (let life = 0; !this.#isOver; life += 1) {
      if (life === MOST_LIVES) throw new Error(`The run goes on after ${life} lives`)
      const plan = this.#kills < kills ? planOf({ ...this.options, life }) : null
      const { coordinator, url } = await this.#boot()
      // Once in a campaign somebody tries to start a second one.
      if (life === 0) exclusion = await this.#second()
      this.proxy.delay(0)
      this.proxy.leadTo(url)
      await this.#live(coordinator, plan, heard)
    }
    this.proxy.leadTo(null)
    this.proxy.cut()
    await heard
    const { records, orphans } = await lookAfterwards(this.federation, this.#nodes, this.#history)
    const outcome = { records, durability, golden, orphans, exclusion }
    return {
      ...judge(this.#history.lines, outcome),
      ...{ store: storeUrl === undefined ? 'sqlite' : 'mongodb', durability },
      ...{ campaign, kills: this.#kills, mischief: Object.fromEntries(this.#mischief) },
      fingerprint: fingerprintOf(records),
    }
  }

  /** A node comes back by itself until the run is over. */
  async #serve(node: SyntheticNode): Promise<void> {
    while (!this.#isOver) {
      // What breaks in the middle of a call is a lost connection like any other.
      const end = await node.serve(this.proxy.url).catch(() => 'lost' as const)
      if (end === 'over') return
      await pause(RETRY_MS)
    }
  }

  async #boot(): Promise<{ readonly coordinator: Running; readonly url: string }> {
    const { directory, dataDir, storeUrl } = this.federation
    const store = storeUrl === undefined ? [] : ['--store', storeUrl]
    const coordinator = start(
      ['coordinator', 'start', '--data-dir', dataDir, '--port', '0', ...store],
      {
        nodeOptions: ['--import', CLOCK],
        env: { TRIBUTARY_HOME: join(directory, 'home'), TRIBUTARY_TEST_CLOCK: this.#clockFile },
      },
    )
    const { url } = (await coordinator.event('coordinator:listening')) as { url: string }
    return { coordinator, url }
  }
  async #second(): Promise<Exclusion> {
    const { directory, dataDir, storeUrl } = this.federation
    const store = storeUrl === undefined ? [] : ['--store', storeUrl]
    const { status, result } = await tributary(
      ['coordinator', 'start', '--data-dir', dataDir, '--port', '0', ...store],
      { env: { TRIBUTARY_HOME: join(directory, 'home') } },
    )
    return { second: { status, code: String(result['code']) }, staleWrites: [] }
  }

  /** From its first word to its death, or to the end of the run. */
  async #live(coordinator: Running, plan: LifePlan | null, heard: Promise<unknown>): Promise<void> {
    const early = new AbortController()
    const everyone = heard.then(() => 'over' as const)
    const misdeeds = this.#misbehave(coordinator, plan, early.signal)
    const end = await Promise.race([
      everyone,
      coordinator.ended.then(() => 'ended' as const),
      plan === null
        ? this.#finished(coordinator, early.signal)
        : pause(plan.killAfterMs, 'kill' as const, { signal: early.signal }),
    ])
    early.abort()
    await misdeeds
    this.proxy.leadTo(null)
    if (end === 'ended') {
      const { errorText } = await coordinator.ended
      throw new Error(`The coordinator ended by itself: ${errorText}`)
    }
    await coordinator.kill('SIGKILL')
    if (end === 'kill' && plan !== null) this.#kills += 1
    this.#history.add('coordinator', { op: 'kill', point: 'any' })
    this.#history.add('harness', { op: 'restart' })
    this.#isOver = await this.#observe()
  }

  async #finished(coordinator: Running, signal: AbortSignal): Promise<'over'> {
    const { dataDir, runId } = this.federation
    const { url } = (await coordinator.event('coordinator:listening')) as { url: string }
    const { token } = await readJson<{ token: string }>(join(dataDir, 'operator.json'))
    const api = createApi(url, token)
    for (;;) {
      await pause(ASK_MS, undefined, { signal })
      const { state } = await api.call('GET /api/runs/:id', { id: runId })
      if (!['waiting', 'running'].includes(state)) return 'over'
    }
  }

  async #misbehave(
    coordinator: Running,
    plan: LifePlan | null,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { afterMs, what } of plan?.mischief ?? []) {
      const isLeft = await pause(afterMs, true, { signal }).catch(() => false)
      if (!isLeft) return
      this.#mischief.set(what.kind, (this.#mischief.get(what.kind) ?? 0) + 1)
      await this.#do(coordinator, what, signal)
    }
  }
  async #do(coordinator: Running, what: Mischief, signal: AbortSignal): Promise<void> {
    const { child } = coordinator
    if (what.kind === 'delay') this.proxy.delay(what.milliseconds)
    else if (what.kind === 'cut') this.proxy.cut()
    else if (what.kind === 'half-close') this.proxy.halfClose(what.side)
    else if (what.kind === 'stop') {
      child.kill('SIGSTOP')
      await pause(what.milliseconds, undefined, { signal }).catch(() => undefined)
      child.kill('SIGCONT')
    } else {
      await writeFile(this.#clockFile, String(what.milliseconds))
      child.kill('SIGUSR2')
    }
  }
  get #clockFile(): string {
    return join(this.federation.directory, 'clock')
  }

  /** What the store holds while nobody runs. True: the run is over. */
  async #observe(): Promise<boolean> {
    const { dataDir, storeUrl, runId } = this.federation
    const store = await openStore(dataDir, { url: storeUrl })
    try {
      const head = await store.head(runId)
      this.#history.add('harness', { op: 'observe', committed: (head?.round ?? 1) - 1 })
      if (head?.state === 'FAILED') throw new Error(`The run failed: ${head.reason}`)
      return head?.state === 'DONE'
    } finally {
      await store.close()
    }
  }
}
