/**
 * One cell of the matrix: a real coordinator process dies where it is told to, and is started again, until its run is over;
 * five synthetic nodes come back by themselves. Everything that was seen is judged (history.ts).
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { RoundRecord } from '#protocol/record.js'
import { createApi } from '#cli/api.js'
import { openStore } from '#coordinator/store/open-store.js'
import { readJson, start, type Running } from '../e2e/harness.js'
import { lookAfterwards } from './afterwards.js'
import { fingerprintOf, History, judge, type Fingerprint, type Verdict } from './history.js'
import { prepareFederation, type Durability, type Federation } from './prepare.js'
import { SyntheticNode } from './synthetic-node.js'

export interface Cell {
  readonly name: string
  /** `TRIBUTARY_FAULT` of one coordinator after the other; those after the last have none. */
  readonly faults: readonly string[]
  readonly durability: Durability
  /** Of a database of its own; undefined: SQLite. */
  readonly storeUrl?: string | undefined
}
export interface CellResult extends Verdict {
  readonly name: string
  /** Faults that did not happen. */
  readonly missed: readonly string[]
  readonly records: readonly RoundRecord[]
  readonly fingerprint: Fingerprint
}

const ASK_MS = 100
/** More than any cell needs: a run that never ends must say so. */
const MOST_BOOTS = 8

export async function runCell(cell: Cell, golden: Fingerprint | null): Promise<CellResult> {
  const federation = await prepareFederation(cell.durability, cell.storeUrl)
  const run = new CellRun(cell, federation)
  try {
    return await run.run(golden)
  } finally {
    await run.end()
    await rm(federation.directory, { recursive: true, force: true })
  }
}

class CellRun {
  readonly #cell: Cell
  readonly #federation: Federation
  readonly #history = new History()
  readonly #nodes: readonly SyntheticNode[]
  readonly #missed: string[] = []
  #coordinator: Running | null = null

  constructor(cell: Cell, federation: Federation) {
    this.#cell = cell
    this.#federation = federation
    this.#nodes = federation.members.map(
      ({ name, identity }) => new SyntheticNode(name, identity, this.#history),
    )
  }

  async run(golden: Fingerprint | null): Promise<CellResult> {
    const { name, faults, durability } = this.#cell
    for (let boot = 0; ; boot += 1) {
      if (boot === MOST_BOOTS) throw new Error(`${name}: the run goes on after ${boot} deaths`)
      if (await this.#live(faults[boot] ?? '')) {
        this.#missed.push(...faults.slice(boot + 1))
        break
      }
      this.#history.add('harness', { op: 'restart' })
    }
    const { records, orphans } = await lookAfterwards(this.#federation, this.#nodes, this.#history)
    const exclusion = null
    const verdict = judge(this.#history.lines, { records, durability, golden, orphans, exclusion })
    return { name, ...verdict, missed: this.#missed, records, fingerprint: fingerprintOf(records) }
  }

  /** Whatever went wrong, nobody is left behind. */
  async end(): Promise<void> {
    await this.#coordinator?.kill('SIGKILL')
  }

  /** One coordinator, from its start to its end. True: the run is over. */
  async #live(fault: string): Promise<boolean> {
    const coordinator = this.#start(fault)
    this.#coordinator = coordinator
    const gone = new AbortController()
    const ended = coordinator.ended.finally(() => gone.abort())
    const url = await urlOf(coordinator)
    const served =
      url === null ? [] : this.#nodes.map((node) => keepServing(node, url, gone.signal))
    const isOver = await Promise.race([
      ended.then(() => false),
      ...(url === null ? [] : [this.#finished(url, gone.signal)]),
    ])
    if (isOver) {
      await coordinator.kill('SIGTERM')
      const { status, errorText } = await ended
      await Promise.all(served)
      if (status !== 0) throw new Error(`${this.#cell.name}: did not end well: ${errorText}`)
      if (fault !== '' && !hasStruck(errorText, fault)) this.#missed.push(fault)
      return true
    }
    const { status, errorText } = await ended
    await Promise.all(served)
    this.#history.add('coordinator', { op: 'kill', point: fault })
    // Who is killed has no status; whose disk fails may only end as a program ends that knows why.
    if (!hasStruck(errorText, fault) || status !== (isOfDisk(fault) ? 1 : null))
      throw new Error(`${this.#cell.name}: ended with ${status}: ${errorText}`)
    await this.#observe()
    return false
  }
  /** What the store holds while nobody runs. */
  async #observe(): Promise<void> {
    const { dataDir, storeUrl, runId } = this.#federation
    const store = await openStore(dataDir, { url: storeUrl })
    try {
      const head = await store.head(runId)
      this.#history.add('harness', { op: 'observe', committed: (head?.round ?? 1) - 1 })
    } finally {
      await store.close()
    }
  }

  #start(fault: string): Running {
    const { dataDir, directory, storeUrl } = this.#federation
    const store = storeUrl === undefined ? [] : ['--store', storeUrl]
    return start(['coordinator', 'start', '--data-dir', dataDir, '--port', '0', ...store], {
      env: { TRIBUTARY_HOME: join(directory, 'home'), TRIBUTARY_FAULT: fault },
    })
  }

  /** Asked of the coordinator: a node that comes back after the end has nothing to do, and does not know why. */
  async #finished(url: string, gone: AbortSignal): Promise<boolean> {
    const { dataDir, runId } = this.#federation
    while (!gone.aborted) {
      const api = await readJson<{ token: string }>(join(dataDir, 'operator.json'))
        .then(({ token }) => createApi(url, token).call('GET /api/runs/:id', { id: runId }))
        .catch(() => null)
      if (api !== null && !['waiting', 'running'].includes(api.state)) return true
      await pause(ASK_MS)
    }
    return false
  }
}

/** Null when it ended before it listened. */
const urlOf = (coordinator: Running): Promise<string | null> =>
  coordinator.event('coordinator:listening').then(
    (line) => String(line['url']),
    () => null,
  )
function hasStruck(errorText: string, fault: string): boolean {
  const [point = ''] = fault.split(':')
  return fault !== '' && errorText.includes(`{"fault":"${point}"`)
}
const isOfDisk = (fault: string): boolean => /:(enospc|eio)$/.test(fault)

/** A node comes back by itself for as long as there is a coordinator. */
async function keepServing(node: SyntheticNode, url: string, gone: AbortSignal): Promise<void> {
  while (!gone.aborted) {
    await node.serve(url)
    await pause(ASK_MS)
  }
}
