import type { z } from 'zod'
import { asFederationError, FederationError } from '#protocol/errors.js'
import type { HTTP_API } from '#protocol/http-api.js'
import { parseAnswer, refusalSchema, type HttpAnswer, type HttpCall } from '#protocol/http-api.js'

export interface CallOptions<Name extends HttpCall> {
  /** What stands for `:name` in the path. */
  readonly params?: Readonly<Record<string, string>>
  /** Without those that are undefined; of a list each, by the same name. */
  readonly query?: Readonly<Record<string, string | number | undefined | readonly string[]>>
  readonly body?: z.input<(typeof HTTP_API)[Name]['body']>
  readonly signal?: AbortSignal
}
/** The session is over, or too long ago for what was asked. */
const UNKNOWN: ReadonlySet<string> = new Set(['auth/bad-token', 'auth/sign-in-again'])
/** Calls that answer with bytes. */
export type FileCall = 'GET /api/runs/:id/model'
export interface ApiOptions {
  /** Default: the browser's. */
  readonly fetch?: typeof fetch
  /**
   * Asked when the coordinator no longer knows who this is, or wants it shown anew: whether that has been done, so that the
   * call can be made once more.
   */
  readonly onUnknown?: (error: FederationError) => Promise<boolean>
}

/** The coordinator's HTTP API, by the cookie of whoever is signed in. Answers are checked as they come. */
export class Api {
  readonly #fetch: typeof fetch
  readonly #onUnknown: (error: FederationError) => Promise<boolean>
  #csrfToken: string | null = null

  constructor({ fetch, onUnknown = () => Promise.resolve(false) }: ApiOptions = {}) {
    this.#fetch = fetch ?? ((...args) => globalThis.fetch(...args))
    this.#onUnknown = onUnknown
  }

  /**
   * Throws a FederationError: the coordinator's own, `coordinator/unreachable`, or `message/malformed` for an answer that is
   * none. A call that `signal` ends throws what fetch throws.
   */
  async call<Name extends HttpCall>(
    name: Name,
    options: CallOptions<Name> = {},
  ): Promise<HttpAnswer<Name>> {
    const answer = await this.#send(name, options)
    const parsed = parseAnswer(name, await jsonOf(answer))
    if (!parsed.ok) throw parsed.error
    this.#learn(parsed.value)
    return parsed.value
  }

  /** Bytes of what is no JSON. Throws as `call` does. */
  async file(name: FileCall, params: Readonly<Record<string, string>>): Promise<Blob> {
    // The table of bodies has what is JSON alone.
    const answer = await this.#send(name as HttpCall, { params })
    return answer.blob()
  }

  async #send<Name extends HttpCall>(
    name: Name,
    options: CallOptions<Name>,
    isAgain?: boolean,
  ): Promise<Response> {
    const { signal, body } = options
    const [method = ''] = name.split(' ')
    const writes = method !== 'GET'
    const answer = await this.#reach(addressOf(name, options), {
      method,
      ...(signal === undefined ? {} : { signal }),
      ...(writes
        ? {
            body:
              body instanceof Uint8Array
                ? new Blob([Uint8Array.from(body)])
                : JSON.stringify(body ?? {}),
          }
        : {}),
      headers: writes && this.#csrfToken !== null ? { 'x-csrf-token': this.#csrfToken } : {},
      credentials: 'same-origin',
      redirect: 'error',
    })
    if (answer.ok) return answer
    const error = await refusalOf(answer)
    // Once more only: who is asked again and again does something wrong.
    const isWorthIt = isAgain !== true && UNKNOWN.has(error.code) && name !== 'POST /api/sign-out'
    if (isWorthIt && (await this.#onUnknown(error))) return this.#send(name, options, true)
    throw error
  }

  async #reach(address: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#fetch(address, init)
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause
      throw unreachable(cause)
    }
  }

  /** Every answer that has one: of the session, and of signing in. */
  #learn(answer: unknown): void {
    const { csrfToken } = answer as { readonly csrfToken?: unknown }
    if (typeof csrfToken === 'string') this.#csrfToken = csrfToken
  }
}

const unreachable = (cause: unknown): FederationError =>
  new FederationError('coordinator/unreachable', 'The coordinator does not answer', { cause })

function addressOf<Name extends HttpCall>(
  name: Name,
  { params = {}, query = {} }: CallOptions<Name>,
): string {
  const [, path = ''] = name.split(' ')
  const filled = path.replaceAll(/:(\w+)/g, (_, key: string) =>
    encodeURIComponent(params[key] ?? ''),
  )
  const asked = Object.entries(query).flatMap(([key, value]): [string, string][] => {
    const all: readonly (string | number)[] =
      value === undefined ? [] : typeof value === 'object' ? value : [value]
    return all.map((one) => [key, String(one)])
  })
  return asked.length === 0 ? filled : `${filled}?${new URLSearchParams(asked).toString()}`
}

async function jsonOf(answer: Response): Promise<unknown> {
  try {
    return (await answer.json()) as unknown
  } catch (cause) {
    // Also where the connection ends in the middle.
    throw unreachable(cause)
  }
}

/** What a proxy in front says in the coordinator's stead is no refusal of it. */
async function refusalOf(answer: Response): Promise<FederationError> {
  try {
    const { problem } = refusalSchema.parse(await answer.json())
    return new FederationError(problem.code, problem.message)
  } catch (cause) {
    const message = `The coordinator answered with status ${answer.status}`
    return new FederationError('coordinator/unreachable', message, { cause })
  }
}

/** What a part of a page shows of anything that was thrown. */
export const problemOf = (error: unknown): FederationError => asFederationError(error)
