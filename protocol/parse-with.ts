import sjson from 'secure-json-parse'
import type { z } from 'zod'
import { describeIssue, pathOf } from './config-problems.js'
import { FederationError } from './errors.js'
import { isShallow } from './json.js'
import { fail, ok, type Result } from './result.js'

const MAX_DEPTH = 32

/** Checks a value from the wire against a schema; `message/malformed` with the first problem. Never throws. */
export function parseWith<T>(schema: z.ZodType<T>, what: string, value: unknown): Result<T> {
  const malformed = (why: string): Result<T> =>
    fail(new FederationError('message/malformed', `In ${what}: ${why}`))
  if (!isShallow(value, MAX_DEPTH)) return malformed(`nested deeper than ${MAX_DEPTH} levels`)
  try {
    if (typeof value === 'object' && value !== null) {
      sjson.scan(value, { protoAction: 'error', constructorAction: 'error' })
    }
  } catch {
    return malformed('a forbidden key')
  }
  const parsed = schema.safeParse(value, { error: describeIssue })
  if (parsed.success) return ok(parsed.data)
  const [issue] = parsed.error.issues
  if (issue === undefined) return malformed('')
  const hasPlace = issue.code !== 'custom' && issue.code !== 'invalid_format'
  return malformed(hasPlace ? issue.message : `${pathOf(issue.path)}: ${issue.message}`)
}
