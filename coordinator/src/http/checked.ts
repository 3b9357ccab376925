import type { z } from 'zod'
import { FederationError } from '#protocol/errors.js'
import { HTTP_API, type HttpBody, type HttpCall } from '#protocol/http-api.js'
import { isNodeId, isRunId, type NodeId, type RunId } from '#protocol/ids.js'
import { parseWith } from '#protocol/messages.js'
import { unwrap } from '#protocol/result.js'
import type { Call } from './call.js'

/** The body of a request as the protocol describes it. Throws `message/malformed`. */
export const bodyOf = <Name extends HttpCall>(name: Name, { body }: Call): HttpBody<Name> =>
  unwrap(parseWith(HTTP_API[name].body as unknown as z.ZodType<HttpBody<Name>>, name, body ?? {}))

/** The query of a request. Throws `message/malformed`. */
export const queryOf = <Query>({ query }: Call, schema: z.ZodType<Query>): Query =>
  unwrap(parseWith(schema, 'the query', { ...query }))

export function runIdOf({ params }: Call): RunId {
  const id = params['id'] ?? ''
  if (isRunId(id)) return id
  throw new FederationError('run/not-found', `There is no run ${id.slice(0, 40)}`)
}

export function nodeIdOf({ params }: Call): NodeId {
  const id = params['id'] ?? ''
  if (isNodeId(id)) return id
  throw noSuchNode(id)
}
export const noSuchNode = (id: string): FederationError =>
  new FederationError('http/not-found', `There is no node ${id.slice(0, 40)}`)
