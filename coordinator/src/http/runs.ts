import { FederationError } from '#protocol/errors.js'
import { eventsQuerySchema, type HttpAnswer } from '#protocol/http-api.js'
import type { Hash } from '#protocol/ids.js'
import type { JsonObject } from '#protocol/json.js'
import { unwrap } from '#protocol/result.js'
import { parseRunConfig, runConfigJsonSchema } from '#protocol/run-config.js'
import { VERSION } from '#protocol/version.js'
import { configCatalogue } from '#algorithms/catalogue.js'
import { sendBytes } from './blobs.js'
import type { Call } from './call.js'
import { bodyOf, queryOf, runIdOf } from './checked.js'

export async function tellStatus({ parts }: Call): Promise<HttpAnswer<'GET /api/status'>> {
  return {
    version: VERSION,
    nodesOnline: parts.fleet.registry.online().length,
    runs: (await parts.store.runs()).length,
    auditKey: parts.gate.publicKey,
  }
}

export async function tellConfigSchema(): Promise<JsonObject> {
  return runConfigJsonSchema(configCatalogue())
}

export async function startRun(call: Call): Promise<HttpAnswer<'POST /api/runs'>> {
  const { config: written, auditReport = null } = bodyOf('POST /api/runs', call)
  const config = unwrap(parseRunConfig(written, configCatalogue()))
  return { runId: await call.parts.runs.create(config, auditReport) }
}

export async function tellEvents(call: Call): Promise<{ readonly events: readonly object[] }> {
  const { parts, response } = call
  const { after, limit, wait } = queryOf(call, eventsQuerySchema)
  const runId = runIdOf(call)
  const eyes = await parts.views.eyesOn(runId)
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const waiting = { waitSeconds: wait, signal: gone.signal }
  const events = await parts.feed.after(runId, after, { limit, ...waiting })
  return { events: events.map((event) => eyes.event(event)) }
}

export async function stopRun(call: Call): Promise<HttpAnswer<'POST /api/runs/:id/stop'>> {
  bodyOf('POST /api/runs/:id/stop', call)
  await call.parts.runs.stop(runIdOf(call))
  return {}
}

export async function resumeRun(call: Call): Promise<HttpAnswer<'POST /api/runs/:id/resume'>> {
  bodyOf('POST /api/runs/:id/resume', call)
  await call.parts.runs.resume(runIdOf(call))
  return {}
}

/** The latest model as an encoded bundle; its ETag is its hash. Not given out while a privacy audit stands against the run. */
export async function sendModel(call: Call): Promise<'sent'> {
  const { store, gate } = call.parts
  const runId = runIdOf(call)
  await gate.assertPassed(runId)
  const head = await store.head(runId)
  if (head === null) throw new FederationError('run/not-found', `There is no run ${runId}`)
  return sendBytes(call, store.blobs, head.modelHash)
}

/** The bundle that the run started from. */
export async function sendStart(call: Call): Promise<'sent'> {
  const { store } = call.parts
  const runId = runIdOf(call)
  const run = await store.run(runId)
  if (run === null) throw new FederationError('run/not-found', `There is no run ${runId}`)
  const { startFrom } = run.config
  if (startFrom === null)
    throw new FederationError('http/not-found', `The run ${runId} starts from seeded params`)
  return sendBytes(call, store.blobs, startFrom as Hash)
}
