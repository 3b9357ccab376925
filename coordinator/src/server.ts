import { resolve } from 'node:path'
import { asFederationError, type FederationError } from '#protocol/errors.js'
import { VERSION } from '#protocol/version.js'
import { AuditGate } from './audit-gate/audit-gate.js'
import { loadAuditKey } from './audit-gate/audit-key.js'
import type { StartAudit } from './audit-gate/auditor.js'
import { forkAudit } from './audit-gate/fork-audit.js'
import { AuditLog, withAuditHeads } from './audit/audit-log.js'
import { issueCode } from './auth/codes.js'
import { keepOperatorFile } from './auth/operator.js'
import { loadSigningSecret } from './auth/secret.js'
import { createAuth, type Auth } from './auth/auth.js'
import { systemClock, type Clock } from './clock.js'
import type { Compute } from './compute/compute.js'
import { forkCompute } from './compute/fork-compute.js'
import { SocketFleet } from './fleet/socket-fleet.js'
import { createApp } from './http/app.js'
import { BlobUploads } from './http/blob-uploads.js'
import { EventFeed } from './http/event-feed.js'
import type { UplinkLimits } from './limits.js'
import { Live } from './live/live.js'
import { News, tellingStore } from './live/news.js'
import type { ServerLimits } from './ops/limits.js'
import { assertEncrypted, openListener, type Listener } from './ops/listener.js'
import { createLog, type Logger } from './ops/log.js'
import { Observer } from './ops/observer.js'
import { Operations, readMonitoringToken } from './ops/operations.js'
import { RunManager } from './run.js'
import { openStore } from './store/open-store.js'
import type { Store } from './store/store.js'
import { readIdentity, selfSignedIdentity, type TlsIdentity } from './tls/certificate.js'
import { serveSockets } from './transport/socket-server.js'
import { Views } from './views/views.js'
import { Vault, type VaultOptions } from './vault/vault.js'

export interface CoordinatorOptions {
  /** Everything durable; made if absent. */
  readonly dataDir: string
  /** `mongodb://…`: records lie there, blobs in the data directory. Default: all in the data directory. */
  readonly storeUrl?: string | undefined
  /** Default: 127.0.0.1. */
  readonly host?: string
  /** 0 chooses a free one. */
  readonly port: number
  /** Which master key opens what lies encrypted. Default: a file of the user's, made on first use. */
  readonly vault?: Omit<VaultOptions, 'dataDirectory'>
  /** Off this machine a coordinator serves with TLS only. Default: none. */
  readonly tls?: 'self-signed' | { readonly certFile: string; readonly keyFile: string }
  /** Serves in the clear off this machine too: something in front encrypts. */
  readonly insecure?: boolean
  /** Addresses of proxies in front, `10.0.0.7` or `10.0.0.0/8`, whose word about the real address is taken. */
  readonly proxies?: readonly string[]
  /** Other addresses under which people's browsers reach it, `https://fl.example.org`: their pages may write. */
  readonly origins?: readonly string[]
  /** Limits at the edge; what is not named keeps its default. */
  readonly serverLimits?: Partial<ServerLimits>
  /** Holds a token with which `/metrics` may be read from elsewhere. Default: on this machine only. */
  readonly monitoringTokenFile?: string
  /** Default: JSON lines on standard error from `logLevel` on. */
  readonly log?: Logger
  /** trace, debug, info, warn, error or silent; default: info. */
  readonly logLevel?: string
  /** Instead of the process of its own that computes. */
  readonly compute?: (store: Store) => Compute
  /** Instead of a process of its own for each privacy audit. */
  readonly startAudit?: StartAudit
  /** Ed25519 public keys (SPKI DER in base64url) whose reports of privacy audits count, beside the coordinator's own. */
  readonly auditKeys?: readonly string[]
  readonly clock?: Clock
  /** Largest bundle that people may upload for runs to start from, in bytes; default: 10^9. */
  readonly maxBundleBytes?: number
  /** Default: 512 MB an update, 4096 MB a round. */
  readonly limits?: UplinkLimits
}
export interface CoordinatorHandle {
  readonly url: string
  /** SHA-256 of the certificate, for nodes and people to pin; null without TLS. */
  readonly fingerprint: string | null
  /** With which a person signs in from elsewhere; only when the data directory is new, else null. */
  readonly signInCode: string | null
  /** With which it signs reports of privacy audits: SPKI DER in base64url. */
  readonly auditKey: string
  readonly runs: RunManager
  /** A one-time code with which a node enrols. */
  invite(minutes?: number): Promise<string>
  /** Lets what is being handled finish, for a while, and leaves open rounds as they are, for the next start. */
  stop(): Promise<void>
}

const UPLINK_LIMITS: UplinkLimits = { maxUpdateBytes: 512e6, maxRoundBytes: 4096e6 }
const START = { actor: 'coordinator', action: 'coordinator.start', subject: null }
const INVITE = { actor: 'operator', action: 'node.invite', subject: null }
const INVITATION_MINUTES = 60
const MAX_BUNDLE_BYTES = 1e9
interface Context {
  readonly options: CoordinatorOptions
  readonly directory: string
  readonly clock: Clock
  readonly log: Logger
  /** `requestId`: of the call in which it happened. */
  readonly onError: (error: FederationError, requestId?: string) => void
  /** What was opened, the latest first: how to close it. */
  readonly undo: (() => unknown)[]
}

/**
 * Serves until stopped. Throws `tls/required`, `tls/unreadable`, `store/locked` when another coordinator uses the data
 * directory, `coordinator/port-in-use`, `vault/…` and what the store throws.
 */
export async function startCoordinator(options: CoordinatorOptions): Promise<CoordinatorHandle> {
  const { host = '127.0.0.1', insecure = false, tls, clock = systemClock } = options
  assertEncrypted(host, { isEncrypted: tls !== undefined, insecure })
  const log = options.log ?? createLog(options.logLevel ?? 'info')
  let ops: Operations | null = null
  const onError: Context['onError'] = (error, requestId) => {
    ops?.metrics.error(error.code)
    const { code, details } = error
    log.error({ code, details, err: error, requestId }, 'Something went wrong')
  }
  const directory = resolve(options.dataDir)
  const context: Context = { options, directory, clock, log, onError, undo: [] }
  try {
    const core = await openCore(context)
    const identity = await identityOf(options, directory)
    ops = await operationsFor(context, identity)
    const { listener, open, feed } = await openEdge(context, { core, ops, identity })
    const { url } = listener
    for (const origin of [url, ...(options.origins ?? [])]) core.auth.origins.allow(origin)
    await core.runs.resumeAll()
    const fingerprint = identity?.fingerprint ?? null
    const { tokens } = core.auth
    context.undo.unshift(await keepOperatorFile({ directory, url, fingerprint, tokens, clock }))
    const { isFirstStart, people } = core.auth
    const signInCode = isFirstStart ? await people.firstCode(clock.timestamp()) : null
    const about = { version: VERSION, newSigningSecret: core.isNew, certificate: fingerprint }
    await core.audit.write('done', { ...START, data: about })
    open()
    log.info({ url, directory, fingerprint }, 'Coordinator listening')
    const stop = stopping(context, { listener, feed, ops })
    const { runs, gate } = core
    return {
      ...{ url, fingerprint, signInCode, auditKey: gate.publicKey, runs, stop },
      invite: inviting(core, clock),
    }
  } catch (error) {
    await undoAll(context.undo)
    throw error
  }
}

/** Everything behind the doors. */
interface Core {
  readonly audit: AuditLog
  readonly store: Store
  readonly auth: Auth
  readonly fleet: SocketFleet
  readonly runs: RunManager
  readonly gate: AuditGate
  readonly feed: EventFeed
  readonly live: Live
  readonly compute: Compute
  /** The signing secret was made now. */
  readonly isNew: boolean
}

async function openCore({ options, directory, clock, log, onError, undo }: Context): Promise<Core> {
  const { limits = UPLINK_LIMITS } = options
  const plainStore = await openStore(directory, { url: options.storeUrl })
  undo.unshift(() => plainStore.close())
  const audit = await AuditLog.open(plainStore, () => clock.timestamp())
  const news = new News(clock)
  const store = tellingStore(withAuditHeads(plainStore, audit), news)
  const secret = await loadSigningSecret(directory)
  const auth = await createAuth({ secret: secret.bytes, store, clock })
  const vault = await Vault.open({ dataDirectory: directory, ...options.vault })
  const compute = options.compute?.(store) ?? forkCompute({ blobDirectory: directory })
  undo.unshift(() => compute.stop())
  const feed = new EventFeed(store, clock)
  const live = new Live({ store, feed, news, clock })
  const gate = new AuditGate({
    ...{ store, clock, trustedKeys: options.auditKeys ?? [] },
    key: await loadAuditKey(directory),
    startAudit: options.startAudit ?? ((config) => forkAudit(config, directory)),
  })
  const fleet = new SocketFleet({
    ...{ store, vault, clock, limits },
    audits: (runId) => gate.forNodes(runId),
    note: (runId, type, data) => {
      log.warn({ runId, ...data }, type)
      feed.note(runId, type, data).catch((error: unknown) => onError(asFederationError(error)))
    },
  })
  const runs = new RunManager({
    ...{ store, vault, fleet, compute, clock, gate },
    kind: 'deployed',
    limits: { ...limits, members: (config) => fleet.candidates(config) },
    onProblem: onError,
  })
  undo.unshift(() => runs.shutdown())
  return { audit, store, auth, fleet, runs, gate, feed, live, compute, isNew: secret.isNew }
}

async function identityOf(
  { tls, host = '127.0.0.1' }: CoordinatorOptions,
  directory: string,
): Promise<TlsIdentity | null> {
  if (tls === undefined) return null
  if (tls === 'self-signed') return selfSignedIdentity(directory, host)
  return readIdentity(tls.certFile, tls.keyFile)
}

async function operationsFor(
  { options, clock }: Context,
  identity: TlsIdentity | null,
): Promise<Operations> {
  const { monitoringTokenFile: file, proxies = [], serverLimits = {} } = options
  const monitoringToken = file === undefined ? null : await readMonitoringToken(file)
  return new Operations({ clock, limits: serverLimits, proxies, monitoringToken, identity })
}

/** The doors. What comes before `open` waits. */
async function openEdge(
  context: Context,
  parts: { readonly core: Core; readonly ops: Operations; readonly identity: TlsIdentity | null },
): Promise<{ readonly listener: Listener; readonly feed: EventFeed; readonly open: () => void }> {
  const { options, directory, clock, log, onError, undo } = context
  const { core, ops, identity } = parts
  const { store, fleet, runs, gate, feed, auth, live } = core
  runs.subscribe((runId, { type, data }) => {
    log.info({ runId, round: data['round'] ?? null }, type)
    ops.metrics.runEvent(runId, type, data)
    feed.wake(runId)
    if (type === 'run:finished')
      fleet.announceEnd(runId).catch((error: unknown) => onError(asFederationError(error)))
  })
  ops.lookAt({
    dataDir: directory,
    store,
    nodesOnline: () => fleet.registry.online().length,
  })
  const observer = new Observer({
    ...{ ops, store, dataDir: directory, clock },
    nodesOnline: () => fleet.registry.online().length,
    onSample: () => live.news.changed('operations'),
  })
  observer.start()
  undo.unshift(() => observer.stop())
  let open: () => void = () => undefined
  const ready = new Promise<void>((resolve) => (open = resolve))
  const uploads = new BlobUploads(store.blobs, options.maxBundleBytes ?? MAX_BUNDLE_BYTES)
  const views = new Views({ store, runs, compute: core.compute })
  const shared = { store, runs, views, gate, fleet, auth, feed, uploads, clock, log: core.audit }
  const app = createApp({ ...shared, ready, ops, observer, onError, note: log })
  const { host = '127.0.0.1', port } = options
  // The port first: another coordinator that has it must not be noticed after runs were taken up.
  const listener = await openListener({ app, host, port, identity, ops })
  undo.unshift(() => listener.close())
  const sockets = serveSockets({ server: listener.server, auth, fleet, live, ready, ops, onError })
  undo.unshift(() => sockets.close())
  undo.unshift(() => feed.close())
  const start = (): void => {
    ops.isStarted = true
    open()
  }
  return { listener, feed, open: start }
}

/** No new work, then what is being handled, then the doors, then what is behind them. */
function stopping(
  { clock, log, undo }: Context,
  edge: { readonly listener: Listener; readonly feed: EventFeed; readonly ops: Operations },
): () => Promise<void> {
  const { listener, feed, ops } = edge
  return async () => {
    const drained = ops.drain.drained(clock, ops.limits.drainMs)
    listener.refuseNew()
    feed.close()
    if (!(await drained))
      log.warn({ underWay: ops.drain.underWay }, 'Stopping with work under way; it is begun again')
    await undoAll(undo)
    log.info('Coordinator stopped; open rounds go on with the next start')
  }
}

async function undoAll(undo: (() => unknown)[]): Promise<void> {
  for (const step of undo.splice(0)) await step()
}

function inviting({ audit, store }: Core, clock: Clock): CoordinatorHandle['invite'] {
  return async (minutes = INVITATION_MINUTES) => {
    const issue = () => issueCode(store, 'enrol-node', { now: clock.timestamp(), minutes })
    return (await audit.around({ ...INVITE, data: { minutes } }, issue)).code
  }
}
