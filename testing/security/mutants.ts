/**
 * Controls taken away, one at a time: a test that still passes without its control proves nothing. The product has no switch
 * for any of them. They are changes of its source text that only the test runner of `mutants.config.ts` applies.
 */
export interface Mutant {
  readonly threat: string
  /** The file of the test that must then fail, and how its name goes on behind the threat. */
  readonly test: string
  readonly shows: string
  readonly file: string
  readonly find: string
  readonly replace: string
}
const mutant = (
  threat: string,
  [test, shows]: readonly [test: string, shows: string],
  change: readonly [file: string, find: string, replace: string],
): Mutant => ({ threat, test, shows, file: change[0], find: change[1], replace: change[2] })

export const MUTANTS: readonly Mutant[] = [
  mutant(
    'T1',
    ['t01-tokens', 'forged: without role, at the header of people'],
    [
      'coordinator/src/auth/tokens.ts',
      'if (!claims.success) throw badToken(claims.error)',
      'if (!claims.success) return payload as never',
    ],
  ),
  mutant(
    'T4',
    ['t04-replay', 'is refused wherever else'],
    [
      'coordinator/src/fleet/reception.ts',
      'if (updateIdOf(begin) !== begin.updateId)',
      'if (updateIdOf(begin) === "")',
    ],
  ),
  mutant(
    'T5',
    ['t05-states', 'in state begun, finish'],
    ['coordinator/src/fleet/upload.ts', 'if (received < this.begin.bytes)', 'if (received < 0)'],
  ),
  mutant(
    'T6',
    ['t06-other-identity', 'cannot send, fail or ask'],
    ['coordinator/src/fleet/reception.ts', 'if (owner?.nodeId !== nodeId) throw notLeased()', ''],
  ),
  mutant(
    'T7',
    ['t07-oversized', 'one of the limit'],
    [
      'coordinator/src/transport/settings.ts',
      'maxHttpBufferSize: CHUNK_BYTES + FRAME_SLACK_BYTES',
      'maxHttpBufferSize: 1e9',
    ],
  ),
  mutant(
    'T8',
    ['t08-bombs', 'JSON that is nested deeply'],
    ['protocol/parse-with.ts', '!isShallow(value, MAX_DEPTH)', 'false'],
  ),
  mutant(
    'T9',
    ['t09-values', 'one element'],
    [
      'algorithms/aggregators/validate.ts',
      'if (!(Math.abs(data[i]!) <= limit)) return i',
      'if (Math.abs(data[i]!) > limit) return i',
    ],
  ),
  mutant(
    'T25',
    ['t25-metadata', 'GET /api/runs/:id tells nothing'],
    [
      'coordinator/src/views/privacy.ts',
      "updates.some(({ name }) => name === 'gaussian-noise')",
      'updates.length > 99',
    ],
  ),
  mutant(
    'T16',
    ['t16-paths', 'no id that is none'],
    ['protocol/id-shapes.ts', 'HASH.test(text)', 'text.length > 1'],
  ),
  mutant(
    'T17',
    ['t17-pollution', 'a node that says more'],
    ['protocol/messages.ts', "'node:hello': z.strictObject({", "'node:hello': z.object({"],
  ),
  mutant(
    'T18',
    ['t18-injection', 'one operator in the place'],
    ['protocol/http-api.ts', 'const code = z.string().min(1).max(100)', 'const code = z.any()'],
  ),
  mutant(
    'T22',
    ['t22-roles', 'GET /api/users by viewer'],
    ['coordinator/src/auth/permissions.ts', 'includesRole(role, need))', 'true)'],
  ),
  mutant(
    'T24',
    ['t24-tampered-files', 'a model with one flipped bit'],
    [
      'coordinator/src/http/sound-file.ts',
      '(await hashOf(file)) !== hash',
      '(await hashOf(file)) === ""',
    ],
  ),
  mutant(
    'T26',
    ['t26-audit', 'deleting, altering'],
    [
      'coordinator/src/audit/verify-log.ts',
      "if (entryHash(row) !== row.hash) return 'it was altered'",
      '',
    ],
  ),
]
