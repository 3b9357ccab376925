import { FederationError, isErrorCode, type Problem } from '#protocol/errors.js'
import type { JsonObject } from '#protocol/json.js'

/** The coordinator's HTTP API as the signed-in person sees it. Every method throws the coordinator's own error. */
export interface Api {
  readonly url: string
  get<T>(path: string, signal?: AbortSignal): Promise<T>
  post<T>(path: string, body: JsonObject): Promise<T>
  bytes(path: string): Promise<Uint8Array>
}

async function request(url: string, init: RequestInit): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, init)
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause
    throw new FederationError(
      'coordinator/unreachable',
      `No coordinator answers at ${new URL(url).origin}`,
      { cause },
    )
  }
  if (response.ok) return response
  throw await errorOf(response)
}

async function errorOf(response: Response): Promise<FederationError> {
  const text = await response.text()
  try {
    const { problem } = JSON.parse(text) as { problem: Problem }
    if (isErrorCode(problem.code)) return new FederationError(problem.code, problem.message)
  } catch (cause) {
    return new FederationError(
      'coordinator/unreachable',
      `HTTP ${response.status} from ${response.url}, not from a coordinator`,
      { cause },
    )
  }
  return new FederationError(
    'coordinator/unreachable',
    `HTTP ${response.status} from ${response.url}`,
  )
}

export function createApi(url: string, token: string | null): Api {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` }
  const at = (path: string): string => new URL(path, url).href
  return {
    url,
    get: async <T>(path: string, signal?: AbortSignal) =>
      (
        await request(at(path), { headers, ...(signal === undefined ? {} : { signal }) })
      ).json() as Promise<T>,
    post: async <T>(path: string, body: JsonObject) =>
      (
        await request(at(path), {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      ).json() as Promise<T>,
    bytes: async (path) =>
      new Uint8Array(await (await request(at(path), { headers })).arrayBuffer()),
  }
}
