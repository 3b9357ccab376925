import { FederationError } from '#protocol/errors.js'
import { parseAnswer, refusalSchema, type HttpAnswer, type HttpCall } from '#protocol/http-api.js'
import { unwrap } from '#protocol/result.js'

export interface CallInput {
  /** For the `:id` of the path. */
  readonly id?: string
  readonly query?: Readonly<Record<string, string | number>>
  readonly body?: object
  readonly signal?: AbortSignal
}
/** The coordinator's HTTP API as the signed-in person sees it. Everything throws the coordinator's own error. */
export interface Api {
  readonly url: string
  /** Answers are checked against the schema of the call. */
  call<Name extends HttpCall>(name: Name, input?: CallInput): Promise<HttpAnswer<Name>>
  /** The encoded bundle of a run's model. */
  model(runId: string): Promise<Uint8Array>
}

export function createApi(url: string, token: string | null): Api {
  const authorization: Record<string, string> =
    token === null ? {} : { authorization: `Bearer ${token}` }
  return {
    url,
    call: async (name, { id = '', query = {}, body, signal } = {}) => {
      const [method = '', path = ''] = name.split(' ')
      const address = new URL(path.replace(':id', encodeURIComponent(id)), url)
      for (const [key, value] of Object.entries(query)) address.searchParams.set(key, String(value))
      const response = await request(address, {
        method,
        headers: { ...authorization, 'content-type': 'application/json' },
        ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
        ...(signal === undefined ? {} : { signal }),
      })
      return unwrap(parseAnswer(name, await jsonOf(response)))
    },
    model: async (runId) => {
      const address = new URL(`/api/runs/${encodeURIComponent(runId)}/model`, url)
      const response = await request(address, { headers: authorization })
      return new Uint8Array(await response.arrayBuffer())
    },
  }
}

const unreachable = (message: string, cause?: unknown): FederationError =>
  new FederationError('coordinator/unreachable', message, { cause })

async function request(url: URL, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause
    throw unreachable(`No coordinator answers at ${url.origin}`, cause)
  }
  if (response.ok) return response
  const refusal = refusalSchema.safeParse(await jsonOf(response))
  if (!refusal.success)
    throw unreachable(`HTTP ${response.status} from ${url.origin}`, refusal.error)
  throw new FederationError(refusal.data.problem.code, refusal.data.problem.message)
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch (cause) {
    throw unreachable(`HTTP ${response.status} from ${response.url}, not from a coordinator`, cause)
  }
}
