/** The child process of a node: holds the data and the tensor library, so that heartbeats never wait for training. */
import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { decodeBundle, encodeBundle, type Bundle } from '#protocol/bundle.js'
import { asFederationError, FederationError } from '#protocol/errors.js'
import { faultPoint } from '#protocol/fault-points.js'
import type { Hash } from '#protocol/ids.js'
import { auditOfLarger, notAllowed, refusalText } from '#protocol/policy.js'
import { unwrap } from '#protocol/result.js'
import type { RunConfig } from '#protocol/run-config.js'
import type { ClientData } from '#data/dataset.js'
import { openClientData } from '#data/index.js'
import { methodOf, updateTransformsOf } from '#algorithms/from-config.js'
import { createClientHalves } from '#algorithms/programs/client-halves.js'
import { classesOfPart } from '#algorithms/revealed.js'
import { protectionOf } from '#algorithms/update-transforms/apply.js'
import { engineFor } from './engine.js'
import { computeUpdate, settleMemory } from '../compute-update.js'
import { noiseOf } from '../noise.js'
import type { Answers, AssetFile, NodeData, Note, Performed, Reply, Request } from './messages.js'

let data: ClientData | null = null
const decode = (bytes: Uint8Array): Bundle => unwrap(decodeBundle(bytes))
const note = (message: Note): void => void process.send?.(message)
const maybe = (bytes: Uint8Array | null): Bundle | null => (bytes === null ? null : decode(bytes))

async function open(source: NodeData): Promise<ClientData> {
  if (!('module' in source)) return openClientData(source)
  const loaded = (await import(pathToFileURL(resolve(source.module)).href)) as Partial<{
    openData(): Promise<ClientData>
  }>
  if (loaded.openData === undefined) {
    throw new FederationError('data/not-found', `${source.module} does not export openData()`)
  }
  return loaded.openData()
}

async function perform(request: Extract<Request, { kind: 'perform' }>): Promise<Performed> {
  if (data === null) throw new FederationError('internal/bug', 'A task came before the data')
  const { config, part, round, slot, task, uplink } = request
  assertAllowed(request)
  const engine = await engineFor(config, {
    stateDirectory: request.stateDirectory,
    onChoice: ({ chosen, measurements, remembered }) => {
      if (!remembered) note({ note: 'backend', choice: { chosen, measurements } })
    },
  })
  const halves = createClientHalves(config)
  const computed = await computeUpdate(halves, part, {
    ...{ round, slot, task, uplink, data },
    shared: decode(request.shared),
    assets: await assetsOf(request.assets),
    personal: maybe(request.personal),
    memory: maybe(request.memory),
    noise: noiseOf(request.noiseKey),
    onStep: everySecond((done, total) => note({ note: 'progress', done, total })),
  })
  const { update, weight, metrics, pending } = computed
  return {
    update: encodeBundle(update),
    weight,
    metrics,
    pending: pending === null ? null : encodeBundle(pending),
    engine,
    hasPersonalModel: methodOf(config).personal === true,
  }
}

/** By the code that will compute the update, before it does. Throws `policy/refused`. */
function assertAllowed(request: Extract<Request, { kind: 'perform' }>): void {
  const { config, part, policy, fewestExamples } = request
  const classes = classesOfPart(config, part)
  const protection = protectionOf(updateTransformsOf(config))
  const refused = notAllowed(policy, {
    ...{ algorithms: [], classes, cohort: Infinity, protection },
    calibration: config.calibration?.name ?? null,
  })
  if (refused !== null) throw new FederationError('policy/refused', refusalText(refused))
  // Other parts tell sums alone, or are refused for the report already.
  const isAudited = part !== 'method' || fewestExamples === 0
  if (isAudited || (data?.train.indices.length ?? 0) >= fewestExamples) return
  throw new FederationError('policy/refused', refusalText(auditOfLarger(fewestExamples)))
}

/** The assets of the latest task, decoded. Kept: the same bundle is the same object, and methods cache by it. */
let kept = new Map<Hash, Bundle>()
async function assetsOf(
  files: Readonly<Record<string, AssetFile>>,
): Promise<Readonly<Record<string, Bundle>>> {
  const found = new Map<Hash, Bundle>()
  const named: Record<string, Bundle> = {}
  for (const [name, { hash, path }] of Object.entries(files)) {
    const bundle = kept.get(hash) ?? decode(await readFile(path))
    found.set(hash, bundle)
    named[name] = bundle
  }
  kept = found
  return named
}

const PROGRESS_MS = 1_000
/** Steps can be short: people need no more than this. */
function everySecond(
  tell: (done: number, total: number) => void,
): (done: number, total: number) => void {
  let toldAt = performance.now()
  return (done, total) => {
    if (done === 1) faultPoint('client.training')
    if (performance.now() - toldAt < PROGRESS_MS) return
    toldAt = performance.now()
    tell(done, total)
  }
}

function settle(request: Extract<Request, { kind: 'settle' }>): Uint8Array | null {
  const halves = createClientHalves(request.config satisfies RunConfig)
  const kept = settleMemory(halves, request.part, {
    memory: maybe(request.memory),
    pending: maybe(request.pending),
    fate: request.fate,
  })
  return kept === null ? null : encodeBundle(kept)
}

async function answer(request: Request): Promise<Answers[keyof Answers]> {
  if (request.kind === 'perform') return perform(request)
  if (request.kind === 'settle') return settle(request)
  data = await open(request.data)
  return data.card
}

function reply(message: Reply): void {
  process.send?.(message)
}

process.on('message', ({ id, request }: { id: number; request: Request }) => {
  answer(request).then(
    (value) => reply({ id, ok: true, value }),
    (error: unknown) =>
      reply({ id, ok: false, problem: asFederationError(error, 'task/failed').toProblem() }),
  )
})
// A parent that is gone leaves nobody to answer. SIGINT of the terminal reaches both: the parent decides when to end.
process.on('disconnect', () => process.exit(0))
process.on('SIGINT', () => undefined)
